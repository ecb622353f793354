//! The kernels, one module per family of operators as in `nongemm-operators`.

mod activation;
mod arithmetic;
mod embedding;
mod gemm;
mod logit;
mod memory;
mod normalization;
mod other;
mod pooling;

use candle_core::{Result, Tensor};
use nongemm_core::kernel::Outputs;
use smallvec::smallvec;

/// The outputs of a kernel with one output.
fn one(result: Result<Tensor>) -> anyhow::Result<Outputs<Tensor>> {
    Ok(smallvec![result?])
}
