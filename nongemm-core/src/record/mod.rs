//! Run records: the schema, how they are computed from samples, and how they are stored.

mod ceilings;
pub mod in_model;
mod machine;
mod micro;
pub mod micro_store;
mod profile;
mod schema;
pub mod store;
mod summarize;

pub use ceilings::{Ceiling, Ceilings};
pub use machine::{Machine, Software};
pub use micro::{AloneTimes, InModel, MicroEntry, MicroRecord, MicroSpec, Outcome};
pub use profile::{CompositeRow, GroupShare, OpRow, Profile, Timeline};
pub use schema::{
    Checks, Energy, EnergyRow, Latency, Memory, ModelInfo, Noise, Phases, ReferenceCheck,
    RunRecord, RunSpec, SCHEMA, Status, UNATTRIBUTED,
};
pub use summarize::{UNRELIABLE_ABOVE, groups, latency, noise, profile};
