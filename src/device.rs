// SPDX-License-Identifier: GPL-2.0

//! `/dev/zxvmo`: where VMOs are made. Mapping it reserves addresses (see [`mm`]).
#![deny(unsafe_code)]

use crate::{
    ioctl,
    sys::{device_file, fs::FsPin, mm},
    vmo::Vmo,
};
use kernel::{
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    mm::virt::VmaNew,
    prelude::*,
};

/// An open `/dev/zxvmo`.
pub(crate) struct Device {
    /// Keeps the file system mounted while VMOs come and go.
    _pin: FsPin<Vmo>,
}

impl Device {
    /// Registers the device.
    pub(crate) fn register() -> impl PinInit<MiscDeviceRegistration<Self>, Error> {
        MiscDeviceRegistration::register(MiscDeviceOptions { name: c"zxvmo" })
    }
}

#[vtable]
impl MiscDevice for Device {
    type Ptr = KBox<Self>;

    fn open(file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<KBox<Self>> {
        // First: what follows wants a module that stays.
        device_file::keep_module(file)?;
        let device = Self {
            _pin: FsPin::take()?,
        };
        Ok(KBox::new(device, GFP_KERNEL_ACCOUNT)?)
    }

    fn mmap(_device: &Self, _file: &File, mapping: &VmaNew) -> Result {
        mm::reserve(mapping)
    }

    fn ioctl(_device: &Self, _file: &File, command: u32, address: usize) -> Result<isize> {
        ioctl::on_device(command, address)
    }

    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(_device: &Self, _file: &File, command: u32, address: usize) -> Result<isize> {
        ioctl::on_device(command, address)
    }
}
