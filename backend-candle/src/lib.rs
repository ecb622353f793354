//! The `candle` flow: graphs run node by node on candle-core and candle-nn.
//!
//! An operator's kernel is the call that candle's own users make (`candle_nn::ops::layer_norm`,
//! `Tensor::conv2d`, the matrix product of `candle_nn::Linear`), so that times measured here are those
//! of candle. Where candle has no such operator, a kernel composes candle's tensor operations.
//!
//! Invariants: a kernel adds no copy that candle does not need; it never asks which model it runs in.
//! candle has no bool type: bool tensors are `u8` tensors of 0 and 1 here, and kernels whose result
//! would differ between bool and `u8` do not take `u8`.
//!
//! # Linking
//!
//! The backend and its kernels register themselves, which works only in binaries that link this crate.
//! Being listed in `Cargo.toml` is not enough: every hop needs a `use nongemm_candle as _;`, else
//! nothing registers, silently. A third crate adds kernels for its own operators in the same way:
//!
//! ```text
//! impl Eval<Candle> for MyOp {
//!     fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
//!         Ok(smallvec![inputs[0].relu()?])
//!     }
//! }
//! nongemm_candle::register_kernel!(MyOp);
//! ```

mod backend;
mod convert;
#[cfg(feature = "cuda")]
mod cuda;
mod engine;
mod host;
mod kernels;
mod promote;

pub use backend::CandleBackend;
pub use engine::{Candle, CandleKernel};

#[doc(hidden)]
pub use inventory;
#[doc(hidden)]
pub use nongemm_core::kernel::KernelEntry;
