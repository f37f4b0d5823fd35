// SPDX-License-Identifier: MIT OR Apache-2.0

//! The guest: its module, with and without an image in it, and an instance of
//! it.

use wasmtime::{Engine, Instance, InstancePre, Linker, Memory, Module, Store, TypedFunc};
use wasmtime::{Error, Result};

/// The module in the text format.
const TEXT: &str = include_str!("guest.wat");

/// The request that every instance is given.
pub const REQUEST: i64 = 0x0123_4567_89ab_cdef;

/// The guest as it is written.
pub fn plain() -> Result<Vec<u8>> {
    Ok(wat::parse_str(TEXT)?)
}

/// The guest with `memory` in a data segment, so that its instances start with
/// that. It is what tools that initialise a module beforehand make.
pub fn with_image(memory: &[u8]) -> Result<Vec<u8>> {
    // A vector of one active segment: for memory 0, at i32.const 0.
    let mut section = vec![1, 0, 0x41, 0, 0x0b];
    number(&mut section, memory.len());
    section.extend_from_slice(memory);
    let mut module = plain()?;
    module.push(11);
    number(&mut module, section.len());
    module.extend_from_slice(&section);
    Ok(module)
}

/// Appends an unsigned number in LEB128.
fn number(to: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// A module made ready in an engine.
pub struct Guest {
    ready: InstancePre<()>,
    engine: Engine,
}

impl Guest {
    /// Compiles a module.
    pub fn new(engine: Engine, module: &[u8]) -> Result<Self> {
        let module = Module::from_binary(&engine, module)?;
        let ready = Linker::new(&engine).instantiate_pre(&module)?;
        Ok(Self { ready, engine })
    }

    /// Makes an instance.
    pub fn instance(&self) -> Result<Running> {
        let mut store = Store::new(&self.engine, ());
        let instance = self.ready.instantiate(&mut store)?;
        let handle = instance.get_typed_func(&mut store, "handle")?;
        Ok(Running {
            store,
            instance,
            handle,
        })
    }
}

/// An instance.
pub struct Running {
    store: Store<()>,
    instance: Instance,
    handle: TypedFunc<i64, i64>,
}

impl Running {
    /// Builds the table, which the other calls want.
    pub fn initialise(&mut self) -> Result<()> {
        let init: TypedFunc<(), ()> = self.instance.get_typed_func(&mut self.store, "init")?;
        init.call(&mut self.store, ())
    }

    /// Serves a request.
    pub fn handle(&mut self, request: i64) -> Result<i64> {
        self.handle.call(&mut self.store, request)
    }

    /// Accesses what is beyond its memory: whether that is a trap, as it must
    /// be.
    pub fn stray_traps(&mut self) -> Result<bool> {
        let stray: TypedFunc<(), i32> = self.instance.get_typed_func(&mut self.store, "stray")?;
        match stray.call(&mut self.store, ()) {
            Ok(_) => Ok(false),
            Err(error) => Ok(error.downcast_ref() == Some(&wasmtime::Trap::MemoryOutOfBounds)),
        }
    }

    /// Grows its memory by `pages` of 64 KiB: how many there were, or -1.
    pub fn grow(&mut self, pages: i32) -> Result<i32> {
        let grow: TypedFunc<i32, i32> = self.instance.get_typed_func(&mut self.store, "grow")?;
        grow.call(&mut self.store, pages)
    }

    /// The content of its memory.
    pub fn content(&mut self) -> Result<&[u8]> {
        let memory: Memory = self
            .instance
            .get_memory(&mut self.store, "memory")
            .ok_or_else(|| Error::msg("the guest has no memory"))?;
        Ok(memory.data(&self.store))
    }
}
