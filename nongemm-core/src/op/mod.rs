//! Operators: what a node of a graph computes.

mod case;
mod cost;
mod def;
mod group;
mod instance;
mod storage;
mod values;

pub use case::{CaseInput, OpCase};
pub use cost::Cost;
pub use def::{Attrs, Eager, Op, OpAttrs};
pub use group::{OpGroup, OpTraits};
pub(crate) use instance::crate_of;
pub use instance::{OpDef, OpEntry, OpError, OpInstance, OpRegistry};
pub use storage::Storage;
pub use values::Values;
