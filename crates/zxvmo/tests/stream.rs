// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams against the module. Every test fails where it is not loaded.

#![allow(clippy::unwrap_used)]

use std::io::{IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::thread;

use zxvmo::{
    ObjectType, Rights, Signals, Status, Stream, StreamInfo, StreamOptions, StreamWriteOptions,
    Vmo, VmoOptions,
};

const READ_WRITE: StreamOptions = StreamOptions::MODE_READ.union(StreamOptions::MODE_WRITE);
const NONE: StreamWriteOptions = StreamWriteOptions::empty();

fn empty_vmo() -> Vmo {
    Vmo::create_with_opts(VmoOptions::UNBOUNDED, 0)
        .unwrap_or_else(|status| panic!("cannot create a VMO: {status} (is zxvmo loaded?)"))
}

fn stream() -> (Vmo, Stream) {
    let vmo = empty_vmo();
    let stream = Stream::create(READ_WRITE, &vmo, 0).unwrap();
    (vmo, stream)
}

#[test]
fn what_is_written_is_content() {
    let (vmo, stream) = stream();
    assert_eq!(stream.write(NONE, b"hello"), Ok(5));
    assert_eq!(vmo.get_stream_size(), Ok(5));
    assert_eq!(stream.read_to_vec(10).unwrap(), b"");
    assert_eq!(stream.seek(SeekFrom::End(-4)), Ok(1));
    assert_eq!(stream.read_to_vec(10).unwrap(), b"ello");
    let mut back = [0; 3];
    assert_eq!(stream.read_at(&mut back, 2), Ok(3));
    assert_eq!(&back, b"llo");
    assert_eq!(stream.write_at(b"J", 0), Ok(1));
    assert_eq!(stream.info().unwrap().seek, 5);
    assert_eq!(vmo.read_to_vec(0, 5).unwrap(), b"Jello");
}

#[test]
fn vectors() {
    let (_, stream) = stream();
    let out = [b"ab".as_slice(), b"", b"cde"].map(IoSlice::new);
    assert_eq!(stream.writev(NONE, &out), Ok(5));
    assert_eq!(stream.writev_at(&out, 5), Ok(5));
    let (mut one, mut two) = ([0; 1], [0; 20]);
    let mut buffers = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
    assert_eq!(stream.readv_at(&mut buffers, 1), Ok(9));
    assert_eq!(stream.seek(SeekFrom::Start(9)), Ok(9));
    assert_eq!(stream.readv(&mut buffers), Ok(1));
    assert_eq!((&one, &two[..8]), (b"e", b"cdeabcde".as_slice()));
    assert_eq!(stream.writev(NONE, &[]), Ok(0));
}

#[test]
fn appending() {
    let (vmo, stream) = stream();
    assert_eq!(stream.write(StreamWriteOptions::APPEND, b"one"), Ok(3));
    stream.seek(SeekFrom::Start(0)).unwrap();
    assert_eq!(stream.get_mode_append(), Ok(false));
    stream.set_mode_append(true).unwrap();
    assert_eq!(stream.get_mode_append(), Ok(true));
    assert_eq!(stream.write(NONE, b"two"), Ok(3));
    let info = StreamInfo {
        options: READ_WRITE | StreamOptions::MODE_APPEND,
        seek: 6,
        content_size: 6,
    };
    assert_eq!(stream.info(), Ok(info));
    assert_eq!(vmo.read_to_vec(0, 6).unwrap(), b"onetwo");
}

#[test]
fn rights_follow_the_mode() {
    let vmo = empty_vmo();
    let reader = Stream::create(StreamOptions::MODE_READ, &vmo, 7).unwrap();
    let info = reader.basic_info().unwrap();
    assert_eq!(info.object_type, ObjectType::STREAM);
    assert_eq!(info.rights, Rights::STREAM_DEFAULT | Rights::READ);
    assert_eq!(reader.write(NONE, b"x"), Err(Status::ACCESS_DENIED));
    let other = reader.duplicate_handle(Rights::INSPECT).unwrap();
    assert_eq!(other.count_info().unwrap().handle_count, 2);
    assert_eq!(other.info().unwrap().seek, 7);
    let read_only = vmo.duplicate_handle(Rights::READ).unwrap();
    let denied = Stream::create(READ_WRITE, &read_only, 0).unwrap_err();
    assert_eq!(denied, Status::ACCESS_DENIED);
    let unknown = StreamOptions::from_bits_retain(8);
    let invalid = Stream::create(unknown, &vmo, 0).unwrap_err();
    assert_eq!(invalid, Status::INVALID_ARGS);
}

#[test]
fn limits() {
    let vmo = Vmo::create(4096).unwrap();
    let stream = Stream::create(READ_WRITE, &vmo, u64::MAX).unwrap();
    assert_eq!(stream.write(NONE, b"x"), Err(Status::FILE_BIG));
    assert_eq!(stream.write_at(b"x", 4096), Err(Status::OUT_OF_RANGE));
    assert_eq!(stream.write_at(b"xyz", 4095), Ok(1));
    for bad in [
        SeekFrom::Current(1),
        SeekFrom::End(-4097),
        SeekFrom::Start(u64::MAX),
    ] {
        assert_eq!(stream.seek(bad), Err(Status::INVALID_ARGS));
    }
    assert_eq!(stream.seek(SeekFrom::Current(-1)), Ok(u64::MAX - 1));
}

#[test]
fn a_stream_keeps_its_vmo() {
    let (vmo, stream) = stream();
    vmo.write(b"kept", 0).unwrap();
    vmo.set_stream_size(4).unwrap();
    // Growing it has zeroed what was there.
    vmo.write(b"kept", 0).unwrap();
    drop(vmo);
    let fd = OwnedFd::from(stream);
    assert_eq!(Stream::from(fd).read_to_vec(9).unwrap(), b"kept");
}

#[test]
fn signals_are_its_own() {
    let (vmo, stream) = stream();
    stream.signal(Signals::NONE, Signals::USER_1).unwrap();
    let now = stream.wait_one(Signals::USER_1, zxvmo::MonotonicInstant::INFINITE);
    assert_eq!(now.to_result(), Ok(Signals::USER_1));
    let past = zxvmo::MonotonicInstant::INFINITE_PAST;
    let poll = vmo.wait_one(Signals::USER_1, past);
    assert_eq!(poll.to_result(), Err(Status::TIMED_OUT));
}

#[test]
fn handles_of_other_types() {
    let (vmo, stream) = stream();
    let as_stream = Stream::from(OwnedFd::from(vmo));
    assert_eq!(as_stream.read_to_vec(1), Err(Status::WRONG_TYPE));
    assert_eq!(as_stream.seek(SeekFrom::Start(0)), Err(Status::WRONG_TYPE));
    assert_eq!(as_stream.get_mode_append(), Err(Status::WRONG_TYPE));
    let as_vmo = Vmo::from(OwnedFd::from(stream));
    assert_eq!(as_vmo.get_size(), Err(Status::WRONG_TYPE));
    assert_eq!(as_vmo.get_name().map(drop), Err(Status::WRONG_TYPE));
}

#[test]
fn as_a_file_of_std() {
    let (_, mut stream) = stream();
    writeln!(stream, "first\nsecond").unwrap();
    stream.rewind().unwrap();
    let mut text = String::new();
    (&stream).read_to_string(&mut text).unwrap();
    assert_eq!(text, "first\nsecond\n");
    assert_eq!(stream.stream_position().unwrap(), 13);
    // The descriptor has the same position.
    let mut file = std::fs::File::from(OwnedFd::from(stream));
    file.seek(SeekFrom::Start(6)).unwrap();
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "second\n");
}

#[test]
fn threads_append_whole_records() {
    let vmo = empty_vmo();
    thread::scope(|scope| {
        for number in 1..=4u8 {
            let stream = Stream::create(READ_WRITE, &vmo, 0).unwrap();
            scope.spawn(move || {
                for _ in 0..500 {
                    let moved = stream.write(StreamWriteOptions::APPEND, &[number; 33]);
                    assert_eq!(moved, Ok(33));
                }
            });
        }
    });
    let all = vmo.read_to_vec(0, 4 * 500 * 33).unwrap();
    assert_eq!(vmo.get_stream_size(), Ok(all.len() as u64));
    for record in all.chunks(33) {
        assert!(record.iter().all(|&byte| byte == record[0]));
    }
    for number in 1..=4u8 {
        assert_eq!(all.iter().filter(|&&byte| byte == number).count(), 500 * 33);
    }
}
