// SPDX-License-Identifier: MIT OR Apache-2.0
//! A walk through what a VMO can do. Needs the module.

use zxvmo::{MonotonicInstant, Name, Rights, Signals, Status, VmarFlags, Vmo, VmoOptions};

fn main() -> Result<(), Status> {
    let device = zxvmo::query().inspect_err(|status| {
        eprintln!("/dev/zxvmo: {status}; is the module loaded? (ZXVMO_VERBOSE=1 says more)");
    })?;
    println!(
        "module: interface {}, pages of {} bytes, VMOs of up to {:#x} bytes",
        device.abi_version, device.page_size, device.max_size
    );

    // Memory that grows.
    let vmo = Vmo::create_with_opts(VmoOptions::RESIZABLE, 100)?;
    vmo.set_name(&Name::new("tour")?)?;
    vmo.write(b"hello", 0)?;
    vmo.set_size(3 * 4096)?;
    println!("size {}, {:?}", vmo.get_size()?, vmo.info()?.name);

    // The same memory, in the address space.
    let mapping = vmo.map(0, 3 * 4096, VmarFlags::PERM_READ | VmarFlags::PERM_WRITE)?;
    mapping.copy_in(b"J", 0)?;
    println!("{}", String::from_utf8_lossy(&vmo.read_to_vec(0, 5)?));
    println!("committed: {} bytes", vmo.info()?.committed_bytes);

    // A handle that can do less; it is a file descriptor, ready to be sent.
    let reader = vmo.duplicate_handle(Rights::BASIC | Rights::READ)?;
    println!("write through the reader: {:?}", reader.write(b"x", 0));

    // Signals.
    vmo.signal(Signals::NONE, Signals::USER_3)?;
    let seen = reader.wait_one(Signals::USER_3, MonotonicInstant::INFINITE);
    println!("signals: {:?}", seen.to_result()?);
    Ok(())
}
