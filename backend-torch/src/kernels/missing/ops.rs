//! Operators on a tensor and a number, and calls that tch leaves out.

use std::ffi::c_int;
use std::ptr::{from_ref, null};

use super::made;
use crate::ffi;

/// Arithmetic with a number, as numbered in `shim/ops.cpp`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) enum Arithmetic {
    Add,
    Sub,
    Rsub,
    Mul,
    Div,
    FloorDiv,
}

/// Comparisons with a number, as numbered in `shim/ops.cpp`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Greater,
    Ge,
}

pub(in crate::kernels) fn binary(
    kind: Arithmetic,
    x: &tch::Tensor,
    value: f64,
    inplace: bool,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_binary(kind as c_int, x.as_ptr(), value, inplace, out) })
}

pub(in crate::kernels) fn compare(
    kind: Comparison,
    x: &tch::Tensor,
    value: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_compare(kind as c_int, x.as_ptr(), value, out) })
}

pub(in crate::kernels) fn pow(x: &tch::Tensor, exponent: f64) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_pow(x.as_ptr(), exponent, out) })
}

/// A number to the powers of a tensor.
pub(in crate::kernels) fn pow_base(
    base: f64,
    exponents: &tch::Tensor,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `exponents` lives through the call.
    made(|out| unsafe { ffi::nongemm_pow_base(base, exponents.as_ptr(), out) })
}

pub(in crate::kernels) fn clamp(
    x: &tch::Tensor,
    min: Option<&f64>,
    max: Option<&f64>,
) -> anyhow::Result<tch::Tensor> {
    let bound = |value: Option<&f64>| value.map_or(null(), from_ref);
    // SAFETY: `x` and the bounds live through the call.
    made(|out| unsafe { ffi::nongemm_clamp(x.as_ptr(), bound(min), bound(max), out) })
}

/// The norm of vectors; no `dim` means all.
pub(in crate::kernels) fn vector_norm(
    x: &tch::Tensor,
    ord: f64,
    dim: &[i64],
    keepdim: bool,
) -> anyhow::Result<tch::Tensor> {
    let (dims, count) = (dim.as_ptr(), dim.len());
    // SAFETY: `x` and the dimensions live through the call.
    made(|out| unsafe { ffi::nongemm_vector_norm(x.as_ptr(), ord, dims, count, keepdim, out) })
}

pub(in crate::kernels) fn hardtanh(
    x: &tch::Tensor,
    min: f64,
    max: f64,
    inplace: bool,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_hardtanh(x.as_ptr(), min, max, inplace, out) })
}

pub(in crate::kernels) fn softplus(
    x: &tch::Tensor,
    beta: f64,
    threshold: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_softplus(x.as_ptr(), beta, threshold, out) })
}

pub(in crate::kernels) fn masked_fill(
    x: &tch::Tensor,
    mask: &tch::Tensor,
    value: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_masked_fill(x.as_ptr(), mask.as_ptr(), value, out) })
}

/// `x` where the condition holds, else a number.
pub(in crate::kernels) fn where_number(
    condition: &tch::Tensor,
    x: &tch::Tensor,
    other: f64,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_where(condition.as_ptr(), x.as_ptr(), other, out) })
}

/// `x & y`, or `x | y`.
pub(in crate::kernels) fn bits(
    both: bool,
    x: &tch::Tensor,
    y: &tch::Tensor,
) -> anyhow::Result<tch::Tensor> {
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_bits(both, x.as_ptr(), y.as_ptr(), out) })
}

/// Writes one value over `x`.
pub(in crate::kernels) fn fill(x: &tch::Tensor, value: f64) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_fill(x.as_ptr(), value, out) })
}

/// Writes `source` over `part` of `whole` and returns `whole`.
pub(in crate::kernels) fn copy_into(
    [part, source, whole]: [&tch::Tensor; 3],
    dim: i64,
    index: i64,
) -> anyhow::Result<tch::Tensor> {
    let (part, source, whole) = (part.as_ptr(), source.as_ptr(), whole.as_ptr());
    // SAFETY: the tensors live through the call.
    made(|out| unsafe { ffi::nongemm_copy_into(part, source, whole, dim, index, out) })
}

pub(in crate::kernels) fn upsample(
    x: &tch::Tensor,
    bilinear: bool,
    align_corners: bool,
    size: [i64; 2],
) -> anyhow::Result<tch::Tensor> {
    let size = size.as_ptr();
    // SAFETY: `x` and `size` live through the call.
    made(|out| unsafe { ffi::nongemm_upsample(x.as_ptr(), bilinear, align_corners, size, out) })
}

pub(in crate::kernels) fn clone(x: &tch::Tensor) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_clone(x.as_ptr(), out) })
}

/// Whether the only element is not zero, as a tensor on the host.
pub(in crate::kernels) fn is_nonzero(x: &tch::Tensor) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_is_nonzero(x.as_ptr(), out) })
}

/// The only element, as a tensor without dimensions on the host.
pub(in crate::kernels) fn item(x: &tch::Tensor) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_item(x.as_ptr(), out) })
}
