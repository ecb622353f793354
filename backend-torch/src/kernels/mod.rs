//! The kernels, one module per family of operators as in `nongemm-operators`.
//!
//! Each is the one call that the reference's eager Python makes, so that times are those of PyTorch:
//! functional where the reference is, in place where the operator's `inplace` says so.

mod activation;
mod missing;

use nongemm_core::kernel::{Outputs, one};
use tch::TchError;

use crate::engine::Tensor;

/// The outputs of a kernel with one output.
fn single(result: Result<tch::Tensor, TchError>) -> anyhow::Result<Outputs<Tensor>> {
    Ok(one(Tensor(result?)))
}
