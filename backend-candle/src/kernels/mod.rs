//! The kernels, one file per family of operators as in `nongemm-operators`.

mod activation;
mod arithmetic;
mod gemm;
mod logit;
mod normalization;

use candle_core::{Result, Tensor};
use nongemm_core::kernel::Outputs;
use smallvec::smallvec;

/// The outputs of a kernel with one output.
fn one(result: Result<Tensor>) -> anyhow::Result<Outputs<Tensor>> {
    Ok(smallvec![result?])
}
