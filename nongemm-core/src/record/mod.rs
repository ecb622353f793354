//! Run records: the schema, how they are computed from samples, and how they are stored.

mod ceilings;
mod conditions;
pub mod in_model;
mod lock;
mod machine;
mod micro;
pub mod micro_store;
mod resume;
mod schema;
pub mod store;
mod summarize;

pub use ceilings::{Ceiling, Ceilings};
pub use conditions::{DeviceState, Energy, EnergyRow, Noise, Reconciled};
pub use lock::{Locked, RunLock};
pub use machine::{Machine, Software};
pub use micro::{AloneTimes, InModel, MicroEntry, MicroRecord, MicroSpec, Outcome};
pub use resume::finished;
pub use schema::{
    Checks, CompositeRow, GroupShare, Latency, Memory, ModelInfo, OpRow, Phases, Profile,
    ReferenceCheck, RunRecord, RunSpec, SCHEMA, Status, Timeline, UNATTRIBUTED,
};
pub use summarize::{HEAVY_ABOVE, UNRELIABLE_ABOVE, groups, latency, noise, profile};
