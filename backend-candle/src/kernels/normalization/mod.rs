//! Normalizations.

mod batch_norm;
mod frozen_batch_norm;
mod group_norm;
mod layer_norm;
mod rms_norm;
mod scale_shift;
