//! Calls that the crate tch leaves out or makes in another way than Python, through the shim.

use std::ffi::c_int;
use std::ptr::{from_ref, null, null_mut};

use nongemm_core::dtype::DType;
use torch_sys::C_tensor;

use crate::convert;
use crate::engine::Torch;
use crate::ffi::{self, Status, checked};

/// Arithmetic with a number, as numbered in `shim/ops.cpp`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Rsub,
    Mul,
    Div,
}

/// Comparisons with a number, as numbered in `shim/ops.cpp`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// The tensor that a call of the shim leaves in its last argument.
fn made(call: impl FnOnce(*mut *mut C_tensor) -> Status) -> anyhow::Result<tch::Tensor> {
    let mut out = null_mut();
    // SAFETY: the shim fills `out` with a tensor of ours to free whenever it reports no error.
    unsafe {
        checked(call(&raw mut out))?;
        Ok(tch::Tensor::from_ptr(out))
    }
}

pub(super) fn binary(
    kind: Arithmetic,
    x: &tch::Tensor,
    value: f64,
    inplace: bool,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_binary(kind as c_int, x.as_ptr(), value, inplace, out) })
}

pub(super) fn compare(
    kind: Comparison,
    x: &tch::Tensor,
    value: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_compare(kind as c_int, x.as_ptr(), value, out) })
}

pub(super) fn pow(x: &tch::Tensor, exponent: f64) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_pow(x.as_ptr(), exponent, out) })
}

pub(super) fn clamp(
    x: &tch::Tensor,
    min: Option<&f64>,
    max: Option<&f64>,
) -> anyhow::Result<tch::Tensor> {
    let bound = |value: Option<&f64>| value.map_or(null(), from_ref);
    // SAFETY: `x` and the bounds live through the call.
    made(|out| unsafe { ffi::nongemm_clamp(x.as_ptr(), bound(min), bound(max), out) })
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

pub(super) fn masked_fill(
    x: &tch::Tensor,
    mask: &tch::Tensor,
    value: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_masked_fill(x.as_ptr(), mask.as_ptr(), value, out) })
}

/// `x` where the condition holds, else a number.
pub(super) fn where_number(
    condition: &tch::Tensor,
    x: &tch::Tensor,
    other: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_where(condition.as_ptr(), x.as_ptr(), other, out) })
}

pub(super) fn clone(x: &tch::Tensor) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_clone(x.as_ptr(), out) })
}

/// Whether the only element is not zero, as a tensor on the host.
pub(super) fn is_nonzero(x: &tch::Tensor) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_is_nonzero(x.as_ptr(), out) })
}

/// A new tensor of one value.
pub(super) fn full(
    engine: &Torch,
    size: &[i64],
    value: f64,
    dtype: DType,
) -> anyhow::Result<tch::Tensor> {
    let (dtype, device) = (convert::scalar_type(dtype)?, index(engine));
    // SAFETY: `size` lives through the call.
    made(|out| unsafe { ffi::nongemm_full(size.as_ptr(), size.len(), value, dtype, device, out) })
}

/// A new tensor whose elements the host writes; one without dimensions stays there.
pub(super) fn written(
    engine: &Torch,
    size: &[i64],
    value: f64,
    dtype: DType,
) -> anyhow::Result<tch::Tensor> {
    let (dtype, device) = (convert::scalar_type(dtype)?, index(engine));
    // SAFETY: `size` lives through the call.
    made(|out| unsafe {
        ffi::nongemm_written(size.as_ptr(), size.len(), value, dtype, device, out)
    })
}

pub(super) fn arange(
    engine: &Torch,
    [start, end, step]: [i64; 3],
    dtype: DType,
) -> anyhow::Result<tch::Tensor> {
    let (dtype, device) = (convert::scalar_type(dtype)?, index(engine));
    // SAFETY: plain values.
    made(|out| unsafe { ffi::nongemm_arange(start, end, step, dtype, device, out) })
}

/// The engine's device as the shim takes it: the index of a GPU, -1 for the host.
fn index(engine: &Torch) -> c_int {
    match engine.device() {
        tch::Device::Cuda(index) => index as c_int,
        _ => -1,
    }
}
