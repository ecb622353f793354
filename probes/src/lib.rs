//! Hardware probes: what the machine and this process do while something is measured.
//!
//! | id | reads |
//! |---|---|
//! | `process` | [`ProcessProbe`]: context switches, page faults, processor time, peak memory |
//! | `rapl` | [`RaplProbe`]: energy of processor packages, cores and memory |
//! | `hwmon` | [`HwmonProbe`]: energy and power of hardware monitors and batteries |
//! | `nvml` | [`NvmlProbe`]: NVIDIA GPUs |
//! | `scheduler` | [`SchedulerProbe`]: steal time, load average, frequency, temperature |
//!
//! They register themselves. A crate that is only listed in `Cargo.toml` is not linked and registers
//! nothing: a binary needs `use nongemm_probes as _;`.
//!
//! Invariants: what cannot be read gives no reading, never a zero; files are opened once, at the start,
//! and read again in place, because probes are read between samples. Each probe can be pointed at a
//! recorded tree of files instead of `/`, which is how they are tested. A probe knows nothing of what
//! is measured.

mod hwmon;
mod nvml;
mod process;
mod rapl;
mod reread;
mod scheduler;

pub use hwmon::HwmonProbe;
pub use nvml::{Card, Cards, NvmlProbe, Refused};
pub use process::ProcessProbe;
pub use rapl::RaplProbe;
pub use scheduler::SchedulerProbe;
