//! Matrix multiplications and convolutions.

mod addmm;
mod bmm;
mod conv2d;
mod conv_transpose2d;
mod einsum;
mod linear;
mod matmul;

pub use addmm::*;
pub use bmm::*;
pub use conv_transpose2d::*;
pub use conv2d::*;
pub use einsum::*;
pub use linear::*;
pub use matmul::*;
