//! Run records: the schema, how they are computed from samples, and how they are stored.

mod ceilings;
pub mod in_model;
mod machine;
mod micro;
pub mod micro_store;
mod schema;
pub mod store;
mod summarize;
mod turns;
mod weights;

pub use ceilings::{Ceiling, Ceilings};
pub use machine::{Machine, Software};
pub use micro::{AloneTimes, InModel, MicroEntry, MicroRecord, MicroSpec, Outcome};
pub use schema::{
    Checks, CompositeRow, Energy, EnergyRow, GroupShare, Latency, Memory, ModelInfo, Noise, OpRow,
    Phases, Profile, ReferenceCheck, RunRecord, RunSpec, SCHEMA, Status, Timeline, UNATTRIBUTED,
};
pub use summarize::{UNRELIABLE_ABOVE, groups, latency, noise, profile};
pub use turns::{DifferingOp, Turn, Turns};
pub use weights::Weights;
