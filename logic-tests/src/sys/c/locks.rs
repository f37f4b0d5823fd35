// SPDX-License-Identifier: GPL-2.0

//! The locks of stores: in the place of the kernel's.

use super::*;

pub(in crate::sys) unsafe fn zx_rwsem_init(
    sem: *mut rw_semaphore,
    _name: *const c_char,
    _key: *mut lock_class_key,
) {
    // SAFETY: Valid for writes.
    unsafe { sem.write(rw_semaphore::default()) };
}

/// The tests take these locks on one thread: who would have to wait would wait for ever.
fn change(sem: *mut rw_semaphore, from: impl Fn(i64) -> bool, by: i64) -> bool {
    // SAFETY: Initialised.
    let count = unsafe { &(*sem).count };
    count
        .fetch_update(SeqCst, SeqCst, |count| from(count).then_some(count + by))
        .is_ok()
}

pub(in crate::sys) unsafe fn down_read(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count >= 0, 1), "waits for itself");
}

pub(in crate::sys) unsafe fn zx_down_read_trylock_further(sem: *mut rw_semaphore) -> bool {
    change(sem, |count| count >= 0, 1)
}

pub(in crate::sys) unsafe fn zx_up_read_further(sem: *mut rw_semaphore) {
    // SAFETY: As the contract has it.
    unsafe { up_read(sem) };
}

pub(in crate::sys) unsafe fn up_read(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count > 0, -1));
}

pub(in crate::sys) unsafe fn down_write(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count == 0, -1), "waits for itself");
}

pub(in crate::sys) unsafe fn zx_down_write_second(sem: *mut rw_semaphore) {
    // SAFETY: As the contract has it.
    unsafe { down_write(sem) };
}

pub(in crate::sys) unsafe fn down_write_killable(sem: *mut rw_semaphore) -> i32 {
    // SAFETY: As the contract has it.
    unsafe { down_write(sem) };
    0
}

pub(in crate::sys) unsafe fn down_write_trylock(sem: *mut rw_semaphore) -> i32 {
    change(sem, |count| count == 0, -1).into()
}

pub(in crate::sys) unsafe fn up_write(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count == -1, 1));
}

pub(in crate::sys) unsafe fn downgrade_write(sem: *mut rw_semaphore) {
    assert!(change(sem, |count| count == -1, 2));
}
