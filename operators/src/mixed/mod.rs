//! Steps that hold a matrix multiplication and something else.

mod scaled_dot_product_attention;

pub use scaled_dot_product_attention::*;
