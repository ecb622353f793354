//! Executing one planned run, from its spec to its record.

pub mod alone;
pub mod energy;
mod execute;
mod inputs;
pub mod machine;
mod outputs;
mod reader;
mod references;
mod start;

pub use execute::{Event, Job, MEASURING, execute, failed, start_probes};
pub use outputs::{OutputsTask, Reference};
pub use reader::Reader;
pub use references::References;
