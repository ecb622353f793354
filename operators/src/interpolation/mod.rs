//! Resizing of feature maps, images and masks.

mod paste_masks;
mod upsample;

pub use paste_masks::*;
pub use upsample::*;
