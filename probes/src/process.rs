//! The probe `process`: what the system did with this process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nongemm_core::plugin::{Availability, HardwareProbe, Quantity, Reading, Sampler};
use nongemm_core::register;

use crate::reread::Reread;

/// Counters of `getrusage`, which cover all threads of the process, and the largest resident set
/// (`VmHWM` of `/proc/self/status`; `ru_maxrss` would include that of the process that started this
/// one).
#[derive(Debug)]
pub struct ProcessProbe {
    root: Option<PathBuf>,
}

static PROCESS: ProcessProbe = ProcessProbe { root: None };
register!(dyn HardwareProbe, &PROCESS);

impl ProcessProbe {
    /// A probe that reads the files under `root` instead of `/`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        ProcessProbe {
            root: Some(root.into()),
        }
    }

    fn sampler(&self) -> ProcessSampler {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        ProcessSampler {
            status: PeakMemory::open(root),
        }
    }
}

impl HardwareProbe for ProcessProbe {
    fn id(&self) -> &'static str {
        "process"
    }

    fn summary(&self) -> &'static str {
        "context switches, page faults, processor time and peak memory of the process"
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[
            Quantity::InvoluntaryContextSwitches,
            Quantity::VoluntaryContextSwitches,
            Quantity::MinorPageFaults,
            Quantity::MajorPageFaults,
            Quantity::CpuTimeNs,
            Quantity::PeakRssBytes,
        ]
    }

    fn check(&self) -> Availability {
        match (usage().is_some(), self.sampler().status.is_some()) {
            (true, true) => Availability::ready("getrusage and /proc/self/status"),
            (true, false) => {
                Availability::ready("getrusage; no peak memory: /proc/self/status has no VmHWM")
            }
            (false, _) => Availability::missing(
                "the system refuses getrusage",
                "allow that call in the sandbox or container",
            ),
        }
    }

    fn start(&self, _period: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        anyhow::ensure!(
            usage().is_some(),
            "probe process: the system refuses getrusage"
        );
        Ok(Box::new(self.sampler()))
    }

    /// Sets the peak to what is resident now. Where that is refused the peak includes what ran before.
    fn reset(&self) {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        let _ = std::fs::write(root.join("proc/self/clear_refs"), "5");
    }
}

struct ProcessSampler {
    status: Option<PeakMemory>,
}

impl Sampler for ProcessSampler {
    fn read(&mut self, out: &mut Vec<Reading>) {
        let mut push = |quantity, value| out.push(Reading { quantity, value });
        if let Some(usage) = usage() {
            push(Quantity::InvoluntaryContextSwitches, usage.ru_nivcsw as f64);
            push(Quantity::VoluntaryContextSwitches, usage.ru_nvcsw as f64);
            push(Quantity::MajorPageFaults, usage.ru_majflt as f64);
            push(Quantity::MinorPageFaults, usage.ru_minflt as f64);
            push(
                Quantity::CpuTimeNs,
                nanoseconds(&usage.ru_utime) + nanoseconds(&usage.ru_stime),
            );
        }
        if let Some(bytes) = self.status.as_mut().and_then(PeakMemory::bytes) {
            push(Quantity::PeakRssBytes, bytes);
        }
    }
}

fn usage() -> Option<libc::rusage> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: getrusage writes one `rusage` to the given address, which is valid for it.
    let answer = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    // SAFETY: it succeeded, so it has written the whole value.
    (answer == 0).then(|| unsafe { usage.assume_init() })
}

fn nanoseconds(time: &libc::timeval) -> f64 {
    time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3
}

/// `/proc/self/status`. `self` is resolved when it is opened: after a fork it would be the parent's.
struct PeakMemory(Reread);

impl PeakMemory {
    fn open(root: &Path) -> Option<Self> {
        let mut status = PeakMemory(Reread::open(&root.join("proc/self/status"), 4096)?);
        status.bytes().is_some().then_some(status)
    }

    fn bytes(&mut self) -> Option<f64> {
        let text = self.0.read()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024.0)
    }
}
