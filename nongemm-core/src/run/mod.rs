//! Executing one planned run, from its spec to its record.

mod energy;
mod execute;
pub mod machine;
mod outputs;
mod references;

pub use execute::{Event, Job, MEASURING, execute, failed};
pub use outputs::{OutputsTask, Reference};
pub use references::References;
