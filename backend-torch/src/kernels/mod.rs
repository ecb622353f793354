//! The kernels, one module per family of operators as in `nongemm-operators`.
//!
//! Each is the one call that the reference's eager Python makes, so that times are those of PyTorch:
//! functional where the reference is, in place where the operator's `inplace` says so. A composite has
//! one only where PyTorch has it as one operator.

mod activation;
mod arithmetic;
mod embedding;
mod gemm;
mod interpolation;
mod logit;
mod memory;
mod missing;
mod mixed;
mod normalization;
mod other;
mod pooling;
mod roi;

use nongemm_core::kernel::{Outputs, one};
use smallvec::{SmallVec, smallvec};
use tch::TchError;

use crate::engine::Tensor;
use crate::ffi::said;

/// Sizes and dimensions as libtorch takes them; on the stack for tensors of usual rank.
type Sizes = SmallVec<[i64; 8]>;

/// The outputs of a kernel with one output.
fn single(result: Result<tch::Tensor, TchError>) -> anyhow::Result<Outputs<Tensor>> {
    Ok(one(Tensor(result.map_err(said)?)))
}

/// The same, through the shim.
fn shim(result: anyhow::Result<tch::Tensor>) -> anyhow::Result<Outputs<Tensor>> {
    Ok(one(Tensor(result?)))
}

/// The outputs of a kernel with two.
fn two(result: Result<(tch::Tensor, tch::Tensor), TchError>) -> anyhow::Result<Outputs<Tensor>> {
    let (first, second) = result.map_err(said)?;
    Ok(smallvec![Tensor(first), Tensor(second)])
}

/// The outputs of a kernel with any number.
fn several(result: Result<Vec<tch::Tensor>, TchError>) -> anyhow::Result<Outputs<Tensor>> {
    Ok(result.map_err(said)?.into_iter().map(Tensor).collect())
}

/// Sizes of the operators' attributes.
fn sizes(sizes: &[usize]) -> Sizes {
    sizes.iter().map(|&size| size as i64).collect()
}

/// Height and width of the operators' attributes.
fn pair([h, w]: [usize; 2]) -> [i64; 2] {
    [h as i64, w as i64]
}

/// The tensor of libtorch behind an input that may be left out.
fn optional<'a>(inputs: &[&'a Tensor], index: usize) -> Option<&'a tch::Tensor> {
    inputs.get(index).map(|input| &input.0)
}

#[cold]
fn wrong_inputs<T>(expected: &str, inputs: &[&Tensor]) -> anyhow::Result<T> {
    anyhow::bail!("takes {expected}, got {} tensors", inputs.len())
}
