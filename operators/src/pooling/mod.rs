//! Pooling.

mod adaptive_avg_pool1d;
mod adaptive_avg_pool2d;
mod avg_pool2d;
mod max_pool2d;

pub use adaptive_avg_pool1d::*;
pub use adaptive_avg_pool2d::*;
pub use avg_pool2d::*;
pub use max_pool2d::*;
