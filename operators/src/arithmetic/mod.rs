//! Element-wise arithmetic, comparisons and reductions.

mod binary;
mod clamp;
mod clamp_min;
mod compare;
mod cumsum;
mod diff;
mod linalg_vector_norm;
mod logical;
mod pow;
mod reduce;
mod rotary_embedding;
mod sort;
mod topk;
mod unary;
mod unique;

pub use binary::*;
pub use clamp::*;
pub use clamp_min::*;
pub use compare::*;
pub use cumsum::*;
pub use diff::*;
pub use linalg_vector_norm::*;
pub use logical::*;
pub use pow::*;
pub use reduce::*;
pub use rotary_embedding::*;
pub use sort::*;
pub use topk::*;
pub use unary::*;
pub use unique::*;
