//! Calls that the crate tch leaves out, through the shim.

use std::ptr::null_mut;

use torch_sys::C_tensor;

use crate::ffi::{self, Status, checked};

/// The tensor that a call of the shim leaves in its last argument.
fn made(call: impl FnOnce(*mut *mut C_tensor) -> Status) -> anyhow::Result<tch::Tensor> {
    let mut out = null_mut();
    // SAFETY: the shim fills `out` with a tensor of ours to free whenever it reports no error.
    unsafe {
        checked(call(&raw mut out))?;
        Ok(tch::Tensor::from_ptr(out))
    }
}

pub(super) fn hardtanh(
    x: &tch::Tensor,
    min: f64,
    max: f64,
    inplace: bool,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_hardtanh(x.as_ptr(), min, max, inplace, out) })
}

pub(super) fn softplus(x: &tch::Tensor, beta: f64, threshold: f64) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_softplus(x.as_ptr(), beta, threshold, out) })
}
