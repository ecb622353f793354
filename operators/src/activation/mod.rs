//! Element-wise non-linearities of networks.

mod gelu;
mod hardtanh;
mod new_gelu;
mod pointwise;
mod softplus;

pub use gelu::*;
pub use hardtanh::*;
pub use new_gelu::*;
pub use pointwise::*;
pub use softplus::*;
