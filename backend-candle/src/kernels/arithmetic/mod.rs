//! Element-wise arithmetic, comparisons and reductions.

mod binary;
mod compare;
mod reduce;
mod scan;
mod unary;

use nongemm_core::dtype::DType;
use nongemm_core::shape::TensorSpec;

/// Whether none of the inputs is `u8`, which candle cannot tell from bool.
fn no_bytes(inputs: &[TensorSpec]) -> bool {
    inputs.iter().all(|input| input.dtype != DType::U8)
}
