//! Calls that the crate tch leaves out or makes in another way than Python, through the shim.

mod create;
mod ops;
mod regions;

pub(super) use create::*;
pub(super) use ops::*;
pub(super) use regions::*;

use std::ptr::null_mut;

use torch_sys::C_tensor;

use crate::ffi::{Status, checked};

/// The tensor that a call of the shim leaves in its last argument.
fn made(call: impl FnOnce(*mut *mut C_tensor) -> Status) -> anyhow::Result<tch::Tensor> {
    let mut out = null_mut();
    // SAFETY: the shim fills `out` with a tensor of ours to free whenever it reports no error.
    unsafe {
        checked(call(&raw mut out))?;
        Ok(tch::Tensor::from_ptr(out))
    }
}
