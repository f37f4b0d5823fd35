// SPDX-License-Identifier: GPL-2.0

//! The calls that wait: `zx_object_wait_one`, `zx_object_wait_many` (spec 21.2), `zx_port_wait`.
#![deny(unsafe_code)]

use crate::{
    handle::Handle,
    object::Object,
    port,
    rights::Rights,
    signals::{new_ids, Observation, Observer},
    status::{Status, ZxResult},
    sys::{
        self, errno,
        file::{File, FileRef},
        uapi,
        user::{bytes_of, read_records, write_bytes, write_records},
        wait::WaitQueue,
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Full, Relaxed, Release},
        static_lock_class, Arc,
    },
};

/// One object to wait for.
struct Item<'a> {
    handle: &'a Handle,
    /// Of the handle.
    file: &'a File,
    object: &'a Object,
    wanted: u32,
    /// What was asserted in the end.
    pending: u32,
}

impl<'a> Item<'a> {
    fn new(handle: &'a Handle, file: &'a File, wanted: u32) -> ZxResult<Self> {
        let object = handle.object_with(Rights::WAIT)?;
        Ok(Self {
            handle,
            file,
            object,
            wanted,
            pending: 0,
        })
    }

    /// Whether the process that waits no longer has the handle: it was replaced, or all
    /// descriptors of its file were closed, though the call in progress keeps the file itself.
    fn is_closed(&self) -> bool {
        self.handle.object().is_err() || !self.file.is_open_here()
    }
}

/// A call that sleeps.
#[pin_data]
struct Call {
    /// The id of the first item's observation; the others follow.
    first: u64,
    /// For each item what was asserted when it was satisfied; 0 before.
    observed: KVec<Atomic<u32>>,
    /// Whether there is one that was.
    satisfied: Atomic<bool>,
    /// Whether to look if the handles are still open: at first, and when a descriptor was closed.
    look: Atomic<bool>,
    #[pin]
    queue: WaitQueue,
}

impl Observer for Call {
    fn matched(&self, id: u64, asserted: u32) {
        if let Some(observed) = self.observed.get((id - self.first) as usize) {
            observed.store(asserted, Relaxed);
        }
        self.satisfied.store(true, Release);
        self.queue.wake_all();
    }

    fn closed(&self, _id: u64, _gone: bool) -> bool {
        self.look.store(true, Release);
        self.queue.wake_all();
        true
    }
}

impl Call {
    fn new(count: usize) -> ZxResult<Arc<Self>> {
        let mut observed = KVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
        for _ in 0..count {
            observed.push(Atomic::new(0), GFP_KERNEL_ACCOUNT)?;
        }
        let call = pin_init!(Self {
            first: new_ids(count as u64),
            observed,
            satisfied: Atomic::new(false),
            look: Atomic::new(true),
            queue <- WaitQueue::new(c"zxvmo_wait", static_lock_class!()),
        });
        Ok(Arc::pin_init(call, GFP_KERNEL_ACCOUNT)?)
    }

    fn observe(self: &Arc<Self>, items: &[Item<'_>]) -> ZxResult {
        for (id, item) in (self.first..).zip(items) {
            let observation = Observation {
                handle: item.handle.id(),
                wanted: item.wanted,
                edge: false,
                observer: self.clone(),
            };
            item.object.signals().observe(id, observation)?;
        }
        Ok(())
    }

    /// Ends all observations and sets what is pending. Whether a handle was closed.
    fn finish(&self, items: &mut [Item<'_>], closed: bool) -> bool {
        let look = closed || self.look.load(Acquire);
        let mut canceled = false;
        for ((id, item), observed) in (self.first..).zip(items).zip(&self.observed) {
            item.pending = item.object.signals().forget(id);
            match observed.load(Relaxed) {
                0 if look && item.is_closed() => {
                    item.pending |= uapi::ZX_SIGNAL_HANDLE_CLOSED;
                    canceled = true;
                }
                0 => {}
                observed => item.pending = observed,
            }
        }
        canceled
    }
}

/// Waits until one of the items is satisfied or its handle closed, or until `deadline`
/// (nanoseconds of the monotonic clock). The outer error is that a signal arrived.
fn wait(items: &mut [Item<'_>], deadline: i64) -> Result<ZxResult> {
    let mut satisfied = false;
    for item in items.iter_mut() {
        item.pending = item.object.signals().asserted();
        satisfied |= item.pending & item.wanted != 0;
    }
    if satisfied {
        return Ok(Ok(()));
    }
    // The clock begins above this.
    if deadline <= 0 {
        return Ok(Err(Status::TIMED_OUT));
    }
    let call = match Call::new(items.len()) {
        Ok(call) => call,
        Err(status) => return Ok(Err(status)),
    };
    if let Err(status) = call.observe(items) {
        call.finish(items, false);
        return Ok(Err(status));
    }
    let mut closed = false;
    let slept = call.queue.wait_until(deadline, || {
        if call.look.load(Relaxed) && call.look.xchg(false, Full) {
            closed = items.iter().any(Item::is_closed);
        }
        closed || call.satisfied.load(Acquire)
    });
    Ok(if call.finish(items, closed) {
        Err(Status::CANCELED)
    } else if call.satisfied.load(Acquire) {
        Ok(())
    } else {
        match slept {
            Err(error) if error != sys::error(errno::ETIME) => return Err(error),
            _ => Err(Status::TIMED_OUT),
        }
    })
}

/// `zx_object_wait_one`, through the descriptor `file` of `handle`.
pub(crate) fn one(handle: &Handle, file: &File, args: &mut uapi::zxvmo_wait) -> Result<ZxResult> {
    let mut items = match Item::new(handle, file, args.signals) {
        Ok(item) => [item],
        Err(status) => return Ok(Err(status)),
    };
    let result = wait(&mut items, args.deadline)?;
    let [item] = items;
    args.observed = item.pending;
    Ok(result)
}

/// `zx_object_wait_many`: OUT_OF_RANGE for too many items, INVALID_ARGS for an address that is not
/// accessible, then BAD_HANDLE or ACCESS_DENIED for the first item that is wrong.
pub(crate) fn many(args: &uapi::zxvmo_wait_many) -> Result<ZxResult> {
    if args.count > uapi::ZX_WAIT_MANY_MAX_ITEMS {
        return Ok(Err(Status::OUT_OF_RANGE));
    }
    let (address, count) = (args.items as usize, args.count as usize);
    let mut records: KVec<uapi::zxvmo_wait_item> = match read_records(address, count) {
        Ok(records) => records,
        Err(error) => return Ok(Err(error.into())),
    };
    let files = match files_of(&records) {
        Ok(files) => files,
        Err(status) => return Ok(Err(status)),
    };
    let mut items = match items_of(&records, &files) {
        Ok(items) => items,
        Err(status) => return Ok(Err(status)),
    };
    let result = wait(&mut items, args.deadline)?;
    if !matches!(
        result,
        Ok(()) | Err(Status::TIMED_OUT) | Err(Status::CANCELED)
    ) {
        return Ok(result);
    }
    for (record, item) in records.iter_mut().zip(&items) {
        record.pending = item.pending;
    }
    match write_records(address, &records) {
        Ok(()) => Ok(result),
        Err(error) => Ok(Err(error.into())),
    }
}

/// `zx_port_wait`, through the descriptor `file` of `handle`.
pub(crate) fn packet(
    handle: &Handle,
    file: &File,
    args: &mut uapi::zxvmo_port_wait,
) -> Result<ZxResult> {
    let port = match handle.port(Rights::READ) {
        Ok(port) => port,
        Err(status) => return Ok(Err(status)),
    };
    loop {
        if let Some(packet) = port.dequeue() {
            let written = write_bytes(args.packet as usize, bytes_of(&packet));
            return Ok(written.map_err(Status::from));
        }
        let mut items = match handle.object() {
            Ok((object, _)) => [Item {
                handle,
                file,
                object,
                wanted: port::READABLE,
                pending: 0,
            }],
            Err(_) => return Ok(Err(Status::CANCELED)),
        };
        if let Err(status) = wait(&mut items, args.deadline)? {
            return Ok(Err(status));
        }
    }
}

/// What the descriptors refer to.
fn files_of(records: &[uapi::zxvmo_wait_item]) -> ZxResult<KVec<Option<FileRef>>> {
    let mut files = KVec::with_capacity(records.len(), GFP_KERNEL_ACCOUNT)?;
    for record in records {
        files.push(FileRef::of_descriptor(record.handle), GFP_KERNEL_ACCOUNT)?;
    }
    Ok(files)
}

fn items_of<'a>(
    records: &[uapi::zxvmo_wait_item],
    files: &'a [Option<FileRef>],
) -> ZxResult<KVec<Item<'a>>> {
    let mut items = KVec::with_capacity(records.len(), GFP_KERNEL_ACCOUNT)?;
    for (record, file) in records.iter().zip(files) {
        let file: &File = file.as_ref().ok_or(Status::BAD_HANDLE)?;
        let handle = file.data::<Handle>().ok_or(Status::BAD_HANDLE)?;
        items.push(Item::new(handle, file, record.waitfor)?, GFP_KERNEL_ACCOUNT)?;
    }
    Ok(items)
}
