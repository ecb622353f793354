//! ONNX Runtime's profiles: read, turned into self times, and led back to the nodes of the model.

mod align;
mod attributes;
mod fusion;
mod operands;
mod steps;
mod timeline;
mod trace;
mod values;

pub(crate) use operands::data_type;
pub(crate) use steps::{Learned, Models, Origin, VOCABULARY};
pub(crate) use trace::Trace;
