//! An interpreter of pickles that runs no code.
//!
//! A pickle is a program for a stack machine whose instructions build objects, and two of which call
//! whatever function the file names. Here the functions are a closed list ([`globals`]): those that make
//! tensors and plain containers, and they are not called but understood. Everything else is an error.
//!
//! Objects are numbers into one arena, so that files which nest objects without end, or in circles, cost
//! neither the stack nor more memory than [`heap`] allows.

mod globals;
mod heap;
mod input;
mod literal;
mod machine;

pub(super) use heap::{Id, Pickled, Storage, Tensor, Value};

/// Reads a pickle.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<Pickled<'_>, String> {
    read_first(bytes).map(|(pickled, _)| pickled)
}

/// Reads the pickle that `bytes` begin with, and how long it is.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read_first(bytes: &[u8]) -> Result<(Pickled<'_>, usize), String> {
    machine::Machine::new(bytes).run()
}
