//! Selection of regions of interest.

mod nms;
mod roi_align;

pub use nms::*;
pub use roi_align::*;
