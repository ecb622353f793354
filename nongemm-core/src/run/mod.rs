//! Executing one planned run, from its spec to its record.

pub mod alone;
mod energy;
mod execute;
pub mod machine;
mod outputs;
mod references;
mod turns;

pub use execute::{Event, Job, MEASURING, execute, failed, start_probes};
pub use outputs::{OutputsTask, Reference};
pub use references::References;
