// SPDX-License-Identifier: GPL-2.0

//! In the place of the parameters that `module!` makes.
#![allow(non_upper_case_globals)]

/// See the head of this file.
pub(crate) struct Parameter<T>(T);

impl<T> Parameter<T> {
    pub(crate) fn value(&self) -> &T {
        &self.0
    }
}

pub(crate) static large_folios: Parameter<u8> = Parameter(1);
