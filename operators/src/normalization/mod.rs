//! Normalizations.

mod batch_norm;
mod frozen_batch_norm;
mod group_norm;
mod layer_norm;
mod rms_norm;

pub use batch_norm::*;
pub use frozen_batch_norm::*;
pub use group_norm::*;
pub use layer_norm::*;
pub use rms_norm::*;
