//! Regions of interest. candle has no such operators: these are kernels of our own, on the host.

mod nms;
mod roi_align;
