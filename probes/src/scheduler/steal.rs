//! Time that the hypervisor gave to others while a processor of this machine wanted to run.

use std::path::Path;

use crate::reread::Reread;

/// The first line of `/proc/stat`, which sums all processors.
pub(super) struct Steal {
    stat: Reread,
    ns_per_tick: f64,
}

impl Steal {
    pub(super) fn open(root: &Path) -> Option<Self> {
        // SAFETY: sysconf only answers a question.
        let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        if ticks <= 0 {
            return None;
        }
        let mut steal = Steal {
            stat: Reread::open(&root.join("proc/stat"), 256)?,
            ns_per_tick: 1e9 / ticks as f64,
        };
        steal.nanoseconds().is_some().then_some(steal)
    }

    /// Nanoseconds since the machine started. `None` from kernels that do not count them.
    pub(super) fn nanoseconds(&mut self) -> Option<f64> {
        Some(self.ticks()?[7] * self.ns_per_tick)
    }

    /// Nanoseconds that the processors were busy for anybody, by the same line.
    pub(super) fn busy_nanoseconds(&mut self) -> Option<f64> {
        let [user, nice, system, _idle, _iowait, irq, softirq, _steal] = self.ticks()?;
        Some((user + nice + system + irq + softirq) * self.ns_per_tick)
    }

    fn ticks(&mut self) -> Option<[f64; 8]> {
        // cpu user nice system idle iowait irq softirq steal ...
        let line = self.stat.read()?.lines().next()?.strip_prefix("cpu ")?;
        let mut fields = line.split_whitespace();
        let mut ticks = [0.0; 8];
        for tick in &mut ticks {
            *tick = fields.next()?.parse().ok()?;
        }
        Some(ticks)
    }
}
