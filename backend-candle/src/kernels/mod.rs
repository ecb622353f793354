//! The kernels, one module per family of operators as in `nongemm-operators`. There is none for
//! `scaled_dot_product_attention`, which runs in parts: candle's fused attention is for the CPU only, and
//! takes masks only for batches of one. There is none for `rotary_embedding` either: candle's takes tables of half
//! the width.

mod activation;
mod arithmetic;
mod embedding;
mod gemm;
mod interpolation;
mod logit;
mod memory;
mod normalization;
mod other;
mod pooling;
mod roi;

use candle_core::{Result, Tensor};
use nongemm_core::dtype::DType;
use nongemm_core::kernel::Outputs;
use nongemm_core::shape::TensorSpec;
use smallvec::smallvec;

/// The outputs of a kernel with one output.
fn one(result: Result<Tensor>) -> anyhow::Result<Outputs<Tensor>> {
    Ok(smallvec![result?])
}

/// Whether none of the inputs is `u8`, which candle cannot tell from bool.
fn no_bytes(inputs: &[TensorSpec]) -> bool {
    inputs.iter().all(|input| input.dtype != DType::U8)
}
