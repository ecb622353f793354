//! Run records: the schema, how they are computed from samples, and how they are stored.

mod conditions;
mod lock;
mod resume;
mod schema;
pub mod store;
mod summarize;

pub use conditions::{DeviceState, Energy, EnergyRow, Noise, Reconciled};
pub use lock::{Locked, RunLock};
pub use resume::finished;
pub use schema::{
    Checks, CompositeRow, GroupShare, Latency, Machine, Memory, ModelInfo, OpRow, Phases, Profile,
    ReferenceCheck, RunRecord, RunSpec, SCHEMA, Software, Status, Timeline, UNATTRIBUTED,
};
pub use summarize::{HEAVY_ABOVE, UNRELIABLE_ABOVE, groups, latency, noise, profile};
