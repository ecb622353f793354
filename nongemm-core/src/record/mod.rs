//! Run records: the schema, how they are computed from samples, and how they are stored.

mod profile;
mod schema;
pub mod store;
mod summarize;

pub use profile::{CompositeRow, GroupShare, OpRow, Profile, Timeline};
pub use schema::{
    Checks, Energy, EnergyRow, Latency, Machine, Memory, ModelInfo, Noise, Phases, ReferenceCheck,
    RunRecord, RunSpec, SCHEMA, Software, Status, UNATTRIBUTED,
};
pub use summarize::{UNRELIABLE_ABOVE, groups, latency, noise, profile};
