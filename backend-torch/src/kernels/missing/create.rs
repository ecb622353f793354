//! New tensors.

use std::ffi::c_int;

use nongemm_core::dtype::DType;

use super::made;
use crate::convert;
use crate::engine::Torch;
use crate::ffi;

/// A new tensor of one value.
pub(in crate::kernels) fn full(
    engine: &Torch,
    size: &[i64],
    value: f64,
    dtype: DType,
) -> anyhow::Result<tch::Tensor> {
    let (dtype, device) = (convert::scalar_type(dtype)?, index(engine));
    // SAFETY: `size` lives through the call.
    made(|out| unsafe { ffi::nongemm_full(size.as_ptr(), size.len(), value, dtype, device, out) })
}

/// A new tensor of one value on the device of `x`.
pub(in crate::kernels) fn new_full(
    x: &tch::Tensor,
    size: &[i64],
    value: f64,
    dtype: DType,
) -> anyhow::Result<tch::Tensor> {
    let dtype = convert::scalar_type(dtype)?;
    let (x, rank, size) = (x.as_ptr(), size.len(), size.as_ptr());
    // SAFETY: `x` and `size` live through the call.
    made(|out| unsafe { ffi::nongemm_new_full(x, size, rank, value, dtype, out) })
}

/// A new tensor of one value, as large as `x`.
pub(in crate::kernels) fn full_like(
    x: &tch::Tensor,
    value: f64,
    dtype: DType,
) -> anyhow::Result<tch::Tensor> {
    let dtype = convert::scalar_type(dtype)?;
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_full_like(x.as_ptr(), value, dtype, out) })
}

/// A new tensor of zeros, as large as `x`.
pub(in crate::kernels) fn zeros_like(x: &tch::Tensor, dtype: DType) -> anyhow::Result<tch::Tensor> {
    let dtype = convert::scalar_type(dtype)?;
    // SAFETY: `x` lives through the call.
    made(|out| unsafe { ffi::nongemm_zeros_like(x.as_ptr(), dtype, out) })
}

/// A new tensor whose elements the host writes; one without dimensions stays there.
pub(in crate::kernels) fn written(
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

pub(in crate::kernels) fn written_from(elements: &tch::Tensor) -> anyhow::Result<tch::Tensor> {
    // SAFETY: `elements` lives through the call.
    made(|out| unsafe { ffi::nongemm_written_from(elements.as_ptr(), out) })
}

pub(in crate::kernels) fn arange(
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
