//! Logit computation.

mod log_softmax;
mod softmax;

pub use log_softmax::*;
pub use softmax::*;
