//! Run records: the schema, how they are computed from samples, and how they are stored.

mod schema;
pub mod store;
mod summarize;

pub use schema::{
    Checks, CompositeRow, Energy, EnergyRow, GroupShare, Inputs, Latency, Machine, Memory,
    ModelInfo, Noise, OpRow, Phases, Profile, ReferenceCheck, RunRecord, RunSpec, SCHEMA, Skipped,
    Software, Status, Timeline, UNATTRIBUTED,
};
pub use summarize::{UNRELIABLE_ABOVE, groups, latency, noise, profile};
