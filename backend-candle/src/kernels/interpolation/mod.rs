//! Resizing.

mod paste_masks;
mod upsample;
