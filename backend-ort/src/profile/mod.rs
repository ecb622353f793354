//! ONNX Runtime's profiles: read, turned into self times, and led back to the nodes of the model.

mod align;
mod attributes;
mod fusion;
mod steps;
mod timeline;
mod trace;

pub(crate) use steps::{Learned, Models, Origin};
pub(crate) use trace::Trace;
