//! Hardware probes: what the machine and this process do while something is measured.
//!
//! | id | reads |
//! |---|---|
//! | `process` | [`ProcessProbe`]: involuntary context switches, major page faults, processor time, peak memory |
//! | `scheduler` | [`SchedulerProbe`]: steal time, load average, frequency, temperature |
//!
//! They register themselves. A crate that is only listed in `Cargo.toml` is not linked and registers
//! nothing: a binary needs `use nongemm_probes as _;`.
//!
//! Invariants: what cannot be read gives no reading, never a zero; files are opened once, at the start,
//! and read again in place, because probes are read between samples. Each probe can be pointed at a
//! recorded tree of files instead of `/`, which is how they are tested. A probe knows nothing of what
//! is measured.

mod process;
mod reread;
mod scheduler;

pub use process::ProcessProbe;
pub use scheduler::SchedulerProbe;
