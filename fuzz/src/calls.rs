// SPDX-License-Identifier: GPL-2.0
//! The calls that programs consist of: names, arguments, and what executes them.

use crate::linux;
use crate::mapping;
use crate::memory::Memory;
use crate::nested;

/// What a descriptor can be: bits.
pub mod kind {
    /// `/dev/zxvmo`.
    pub const DEVICE: u16 = 1;
    /// A handle to a VMO.
    pub const VMO: u16 = 2;
    /// A handle to a stream.
    pub const STREAM: u16 = 4;
    /// A handle to an event or an end of a pair.
    pub const EVENT: u16 = 8;
    /// A handle to a port.
    pub const PORT: u16 = 16;
    /// An end of a pipe.
    pub const PIPE: u16 = 32;
    /// An instance of epoll.
    pub const EPOLL: u16 = 64;
    /// A file that is none of the module's.
    pub const PLAIN: u16 = 128;
    /// Whatever the call's source was.
    pub const SAME: u16 = 1 << 15;
    /// Any handle.
    pub const HANDLE: u16 = VMO | STREAM | EVENT | PORT;
    /// Any descriptor.
    pub const ANY: u16 = HANDLE | DEVICE | PIPE | EPOLL | PLAIN;
}

/// What an argument means: where sensible values come from.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A descriptor of one of these kinds.
    File(u16),
    /// The slot for a new descriptor of this kind.
    NewFile(u16),
    /// The slot for a new mapping.
    NewMapping,
    /// An address in a mapping.
    Mapped,
    /// The address of memory for a call to use.
    Address,
    /// Bytes into an object.
    Offset,
    /// Bytes, as of a range or an object.
    Size,
    /// Any of these bits.
    Flags(&'static [u64]),
    /// One of these.
    Choice(&'static [u64]),
    /// Rights of handles.
    Rights,
    /// Signals of objects.
    Signals,
    /// A time to wait until.
    Deadline,
    /// 0, for what is reserved.
    Zero,
    /// Anything.
    Value,
    /// Not an argument but a place of this many bytes for a result.
    Result,
}

/// A parameter of a call.
pub struct Param {
    /// The key in the text.
    pub name: &'static str,
    /// What it means.
    pub kind: Kind,
    /// In the structure of an ioctl, its bytes.
    pub width: u8,
}

/// How a call is executed.
#[derive(Clone, Copy)]
pub enum Run {
    /// An ioctl with this number: the first parameter is the descriptor, the others are the
    /// members of the structure behind `status`, in order.
    Ioctl(u8),
    /// A function of the arguments. It returns a result or a negative errno.
    Function(fn(&Memory, &[u64]) -> i64),
}

/// A call that programs can make.
pub struct Spec {
    /// Its name in the text.
    pub name: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// What executes it.
    pub run: Run,
    /// How often it is chosen, beside others.
    pub weight: usize,
}

/// The place of a name in [`SPECS`].
pub fn find(name: &str) -> Option<usize> {
    SPECS.iter().position(|spec| spec.name == name)
}

macro_rules! specs {
    ($($weight:literal $name:ident($($param:ident: $kind:expr $(, $width:literal)?;)*) = $run:expr;)*) => {
        /// All calls.
        pub const SPECS: &[Spec] = &[$(Spec {
            name: stringify!($name),
            params: &[$(Param {
                name: stringify!($param),
                kind: $kind,
                width: 0 $(+ $width)?,
            }),*],
            run: $run,
            weight: $weight,
        }),*];
    };
}

use kind::*;
use Kind::*;
use Run::*;

const CREATE: &[u64] = &[2, 4, 8, 0x10];
const CHILD: &[u64] = &[1, 4, 8, 0x10, 0x20, 0x40, 0x80];
const OPS: &[u64] = &[1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14];
const REGION_OPS: &[u64] = &[1, 2, 3, 10, 12, 13, 14];
const MAP: &[u64] = &[
    1,
    2,
    3,
    3,
    3,
    4,
    8,
    0x10,
    0x20,
    0x400,
    0x800,
    0x1000,
    0x2000,
    0x4000,
    0x8000,
    0x0C00_0000,
    0x1500_0000,
];
const POLICIES: &[u64] = &[0, 1, 2, 3];
const MODES: &[u64] = &[1, 2, 3, 4, 7];
const ORIGINS: &[u64] = &[0, 1, 2];
const BIT0: &[u64] = &[1];
const PAIR: &[u64] = &[0, 1];
const ASYNC: &[u64] = &[1, 2];
const TOPICS: &[u64] = &[
    0,
    1,
    2,
    7,
    19,
    26,
    36,
    0x3000_000E,
    0x17,
    0x1000_0017,
    0x2000_0017,
    0x3000_0017,
    0x3000_0017,
];
const PROPERTIES: &[u64] = &[3, 17, 19];
const PROT: &[u64] = &[0, 1, 3, 3, 3, 2, 4, 5, 7];
const MMAP: &[u64] = &[1, 1, 1, 2, 3, 0x11, 0x8001, 0x4001, 0x10_0001, 0x2001];
const ADVICE: &[u64] = &[
    0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 100, 101,
];
const WHENCE: &[u64] = &[0, 1, 2, 3, 4, 5];
const REMAP: &[u64] = &[0, 1, 1, 3, 5, 7];
const RWF: &[u64] = &[1, 2, 4, 8, 0x10, 0x40, 0x80];
const FALLOCATE: &[u64] = &[0, 1, 3, 8, 16, 0x20];
const FCNTL: &[u64] = &[
    1, 2, 3, 4, 5, 6, 8, 10, 15, 37, 1024, 1030, 1031, 1033, 1034, 1036, 1038,
];
const FCNTL_VALUES: &[u64] = &[0, 1, 0x400, 0x800, 0x4000, 0x4_0800, 0xf];
const EVENTS: &[u64] = &[1, 2, 4, 8, 0x10, 0x2000, 1 << 31, 1 << 30, 1 << 28];
const CONTROL: &[u64] = &[1, 1, 2, 3];
const SPLICE: &[u64] = &[1, 2, 4, 8];
const FUTEX: &[u64] = &[0, 1, 3, 4, 5, 9, 10, 128, 129];
const FORKS: &[u64] = &[0, 1, 1, 2, 3];
const RINGS: &[u64] = &[0, 1, 2, 3, 4, 5, 6, 7];
const PROC: &[u64] = &[0, 1, 2, 3, 4];
const LIMITS: &[u64] = &[7, 8, 9];
const POLICY_MODES: &[u64] = &[0, 1, 2, 3, 5];
const BYTES: &[u64] = &[0, 1, 0x5a, 0xff];

specs! {
    // On /dev/zxvmo
    1 query(fd: File(DEVICE); version: Result, 4; page: Result, 4; reserved: Zero, 4; max: Result, 8;)
        = Ioctl(0x00);
    24 create(fd: File(DEVICE); options: Flags(CREATE), 4; size: Size, 8; handle: NewFile(VMO), 4;
        flags: Flags(BIT0), 4;) = Ioctl(0x01);
    2 create_event(fd: File(DEVICE); options: Zero, 4; kind: Choice(PAIR), 4;
        handle: NewFile(EVENT), 4; peer: NewFile(EVENT), 4; reserved: Zero, 4;) = Ioctl(0x03);
    2 create_port(fd: File(DEVICE); options: Zero, 4; handle: NewFile(PORT), 4; reserved: Zero, 4;)
        = Ioctl(0x05);
    8 region_op_range(fd: File(DEVICE); op: Choice(REGION_OPS), 4; address: Mapped, 8;
        size: Size, 8;) = Ioctl(0x04);
    2 wait_many(fd: File(DEVICE); first: File(HANDLE); waitfor: Signals; second: File(HANDLE);
        waitfor2: Signals; count: Value; deadline: Deadline;) = Function(nested::wait_many);

    // On a VMO
    12 read(fd: File(VMO); reserved: Zero, 4; buffer: Address, 8; offset: Offset, 8; length: Size, 8;)
        = Ioctl(0x10);
    20 write(fd: File(VMO); reserved: Zero, 4; buffer: Address, 8; offset: Offset, 8; length: Size, 8;)
        = Ioctl(0x11);
    2 get_size(fd: File(VMO); reserved: Zero, 4; size: Result, 8;) = Ioctl(0x12);
    8 set_size(fd: File(VMO); reserved: Zero, 4; size: Size, 8;) = Ioctl(0x13);
    2 get_stream_size(fd: File(VMO); reserved: Zero, 4; size: Result, 8;) = Ioctl(0x14);
    5 set_stream_size(fd: File(VMO); reserved: Zero, 4; size: Size, 8;) = Ioctl(0x15);
    16 map(fd: File(VMO); options: Flags(MAP), 4; address: Mapped, 8; offset: Offset, 8;
        length: Size, 8; mapping: NewMapping, 8;) = Ioctl(0x16);
    20 create_child(fd: File(VMO); options: Flags(CHILD), 4; offset: Offset, 8; size: Size, 8;
        handle: NewFile(VMO), 4; reserved: Zero, 4;) = Ioctl(0x17);
    20 op_range(fd: File(VMO); op: Choice(OPS), 4; offset: Offset, 8; size: Size, 8;
        buffer: Address, 8; buffer_size: Size, 8;) = Ioctl(0x18);
    2 replace_as_executable(fd: File(VMO); vmex: Value, 4; handle: NewFile(VMO), 4;
        reserved: Zero, 4;) = Ioctl(0x19);
    4 set_cache_policy(fd: File(VMO); policy: Choice(POLICIES), 4; reserved: Zero, 8;)
        = Ioctl(0x1A);
    14 transfer_data(fd: File(VMO); options: Zero, 4; offset: Offset, 8; length: Size, 8;
        source_offset: Offset, 8; source: File(VMO), 4; reserved: Zero, 4;) = Ioctl(0x1B);
    6 create_stream(fd: File(VMO); options: Choice(MODES), 4; seek: Offset, 8;
        handle: NewFile(STREAM), 4; reserved: Zero, 4;) = Ioctl(0x1C);

    // On a stream
    4 stream_readv(fd: File(STREAM); options: Zero; buffer: Address; length: Size; buffer2: Address;
        length2: Size; count: Value; offset: Offset; flags: Flags(BIT0);)
        = Function(nested::stream_readv);
    8 stream_writev(fd: File(STREAM); options: Flags(BIT0); buffer: Address; length: Size;
        buffer2: Address; length2: Size; count: Value; offset: Offset; flags: Flags(BIT0);)
        = Function(nested::stream_writev);
    3 stream_seek(fd: File(STREAM); origin: Choice(ORIGINS), 4; offset: Offset, 8;
        position: Result, 8;) = Ioctl(0x22);

    // On a port
    3 port_queue(fd: File(PORT); key: Value; kind: Value; status: Value; payload: Value;
        at: Address;) = Function(nested::port_queue);
    3 port_wait(fd: File(PORT); reserved: Zero, 4; deadline: Deadline, 8; packet: Address, 8;)
        = Ioctl(0x31);
    2 port_cancel(fd: File(PORT); source: File(HANDLE), 4; key: Value, 8;) = Ioctl(0x32);

    // On any handle
    5 duplicate(fd: File(HANDLE); rights: Rights, 4; handle: NewFile(SAME), 4; reserved: Zero, 4;)
        = Ioctl(0x40);
    2 replace(fd: File(HANDLE); rights: Rights, 4; handle: NewFile(SAME), 4; reserved: Zero, 4;)
        = Ioctl(0x41);
    3 get_info(fd: File(HANDLE); topic: Choice(TOPICS), 4; buffer: Address, 8; size: Size, 8;
        actual: Result, 8; avail: Result, 8;) = Ioctl(0x42);
    2 get_property(fd: File(HANDLE); property: Choice(PROPERTIES), 4; value: Address, 8;
        size: Size, 8;) = Ioctl(0x43);
    2 set_property(fd: File(HANDLE); property: Choice(PROPERTIES); value: Value; size: Size;
        at: Address;) = Function(nested::set_property);
    2 signal(fd: File(HANDLE); clear: Signals, 4; set: Signals, 4; reserved: Zero, 4;)
        = Ioctl(0x45);
    2 wait(fd: File(HANDLE); signals: Signals, 4; deadline: Deadline, 8; observed: Result, 4;
        reserved: Zero, 4;) = Ioctl(0x46);
    3 wait_async(fd: File(HANDLE); port: File(PORT), 4; key: Value, 8; signals: Signals, 4;
        options: Flags(ASYNC), 4;) = Ioctl(0x47);
    1 signal_peer(fd: File(EVENT); clear: Signals, 4; set: Signals, 4; reserved: Zero, 4;)
        = Ioctl(0x48);

    // Wild
    1 ioctl(fd: File(ANY); number: Value; size: Size; direction: Value; argument: Address;)
        = Function(nested::raw_ioctl);
    1 ioctl32(fd: File(ANY); number: Value; size: Size; direction: Value; argument: Address;)
        = Function(nested::ioctl32);

    // Descriptors
    1 open(fd: NewFile(DEVICE);) = Function(linux::open);
    1 memfd(fd: NewFile(PLAIN); size: Size;) = Function(linux::memfd);
    2 dup(fd: File(ANY); to: NewFile(SAME);) = Function(linux::dup);
    5 close(fd: File(ANY);) = Function(linux::close);
    1 send(fd: File(ANY); to: NewFile(SAME); how: Choice(PAIR);) = Function(linux::send);
    1 pidfd_getfd(fd: File(ANY); to: NewFile(SAME);) = Function(linux::pidfd_getfd);
    1 fcntl(fd: File(ANY); command: Choice(FCNTL); value: Choice(FCNTL_VALUES);)
        = Function(linux::fcntl);
    1 fstat(fd: File(ANY);) = Function(linux::fstat);
    2 sys_read(fd: File(ANY); buffer: Address; length: Size;) = Function(linux::sys_read);
    2 sys_write(fd: File(ANY); buffer: Address; length: Size;) = Function(linux::sys_write);
    2 pread(fd: File(ANY); buffer: Address; length: Size; offset: Offset;) = Function(linux::pread);
    3 pwrite(fd: File(ANY); buffer: Address; length: Size; offset: Offset;) = Function(linux::pwrite);
    1 preadv2(fd: File(ANY); buffer: Address; length: Size; buffer2: Address; length2: Size;
        offset: Offset; flags: Flags(RWF);) = Function(linux::preadv2);
    1 pwritev2(fd: File(ANY); buffer: Address; length: Size; buffer2: Address; length2: Size;
        offset: Offset; flags: Flags(RWF);) = Function(linux::pwritev2);
    2 lseek(fd: File(ANY); offset: Offset; whence: Choice(WHENCE);) = Function(linux::lseek);
    2 ftruncate(fd: File(ANY); size: Size;) = Function(linux::ftruncate);
    1 fallocate(fd: File(ANY); mode: Choice(FALLOCATE); offset: Offset; size: Size;)
        = Function(linux::fallocate);
    1 poll(fd: File(ANY); events: Flags(EVENTS);) = Function(linux::poll);
    1 epoll_create(fd: NewFile(EPOLL);) = Function(linux::epoll_create);
    1 epoll_ctl(epoll: File(EPOLL); fd: File(ANY); operation: Choice(CONTROL); events: Flags(EVENTS);)
        = Function(linux::epoll_ctl);
    1 epoll_wait(epoll: File(EPOLL);) = Function(linux::epoll_wait);
    1 pipe(read: NewFile(PIPE); write: NewFile(PIPE);) = Function(linux::pipe);
    2 splice(from: File(ANY); to: File(ANY); from_offset: Offset; to_offset: Offset; length: Size;
        offsets: Choice(PAIR); flags: Flags(SPLICE);) = Function(linux::splice);
    2 vmsplice(fd: File(PIPE); address: Mapped; length: Size; flags: Flags(SPLICE);)
        = Function(linux::vmsplice);
    1 sendfile(to: File(ANY); from: File(ANY); offset: Offset; length: Size;)
        = Function(linux::sendfile);
    1 copy_file_range(from: File(ANY); to: File(ANY); length: Size;)
        = Function(linux::copy_file_range);
    2 io_uring(fd: File(ANY); operation: Choice(RINGS); address: Address; length: Size;
        offset: Offset;) = Function(crate::ring::io_uring);

    // Memory
    10 mmap(fd: File(ANY); mapping: NewMapping; length: Size; prot: Choice(PROT);
        flags: Choice(MMAP); offset: Offset; address: Mapped;) = Function(mapping::mmap);
    3 munmap(address: Mapped; length: Size;) = Function(mapping::munmap);
    3 mprotect(address: Mapped; length: Size; prot: Choice(PROT);) = Function(mapping::mprotect);
    3 mremap(address: Mapped; length: Size; new: Size; flags: Choice(REMAP); to: Mapped;
        mapping: NewMapping;) = Function(mapping::mremap);
    3 madvise(address: Mapped; length: Size; advice: Choice(ADVICE);) = Function(mapping::madvise);
    1 remap_file_pages(address: Mapped; length: Size; offset: Offset;)
        = Function(mapping::remap_file_pages);
    1 msync(address: Mapped; length: Size;) = Function(mapping::msync);
    1 mlock(address: Mapped; length: Size; on: Choice(PAIR);) = Function(mapping::mlock);
    1 mincore(address: Mapped; length: Size;) = Function(mapping::mincore);
    1 mbind(address: Mapped; length: Size; mode: Choice(POLICY_MODES);) = Function(mapping::mbind);
    1 userfaultfd(address: Mapped; length: Size;) = Function(mapping::userfaultfd);
    8 peek(address: Mapped; length: Size;) = Function(mapping::peek);
    14 poke(address: Mapped; length: Size; value: Choice(BYTES);) = Function(mapping::poke);
    3 fork(how: Choice(FORKS); address: Mapped; length: Size;) = Function(mapping::fork);
    1 process_vm_readv(address: Mapped; remote: Mapped; length: Size;)
        = Function(mapping::process_vm_readv);
    1 process_vm_writev(address: Mapped; remote: Mapped; length: Size;)
        = Function(mapping::process_vm_writev);
    1 proc_mem(address: Mapped; buffer: Address; length: Size; write: Choice(PAIR);)
        = Function(mapping::proc_mem);
    1 futex(address: Mapped; operation: Choice(FUTEX); value: Choice(BYTES);)
        = Function(mapping::futex);
    1 proc(fd: File(ANY); which: Choice(PROC);) = Function(linux::proc);

    // Around
    1 limit(which: Choice(LIMITS); value: Size;) = Function(linux::limit);
    1 timer(nanoseconds: Value;) = Function(linux::timer);
    1 sleep(nanoseconds: Value;) = Function(linux::sleep);
    1 drop_caches() = Function(linux::drop_caches);
}
