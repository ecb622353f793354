//! Run records: the schema, how they are computed from samples, and how they are stored.

mod ceilings;
mod conditions;
pub mod group_energy;
pub mod in_model;
mod lock;
mod machine;
mod micro;
pub mod micro_store;
mod profile;
mod resume;
mod schema;
pub mod store;
mod summarize;
mod turns;
mod weights;

pub use ceilings::{Ceiling, Ceilings};
pub use conditions::{DeviceState, Energy, EnergyRow, Noise, Reconciled};
pub use lock::{Locked, RunLock};
pub use machine::{Machine, Software};
pub use micro::{AloneTimes, InModel, MicroEntry, MicroRecord, MicroSpec, Outcome, call_key};
pub use profile::{CompositeRow, GroupShare, OpRow, Profile, Timeline};
pub use resume::finished;
pub use schema::{
    Checks, Inputs, Latency, Memory, ModelInfo, Phases, ReferenceCheck, RunRecord, RunSpec, SCHEMA,
    Skipped, Status, UNATTRIBUTED,
};
pub use summarize::{HEAVY_ABOVE, UNRELIABLE_ABOVE, groups, latency, noise, profile};
pub use turns::{DifferingOp, Turn, Turns};
pub use weights::Weights;
