//! Executing one planned run, from its spec to its record.

mod execute;
pub mod machine;

pub use execute::{Event, Job, execute, failed};
