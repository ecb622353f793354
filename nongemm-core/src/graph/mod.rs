//! Models as graphs of operators: the representation, its builder, and lowering for a backend.

mod builder;
mod ir;
mod liveness;
mod lower;
mod overwrites;

pub use builder::{BuildError, GraphBuilder};
pub use ir::{
    Composite, Constant, Graph, Init, Input, Node, Param, Piece, Source, Value, ValueInfo,
};
pub use liveness::{last_uses, peak_activation_bytes};
pub use lower::{CompositePolicy, LowerError, Unsupported, lower};
pub use overwrites::{Overwrite, overwrites};
