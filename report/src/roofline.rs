//! Every operator against the measured ceilings of its machine.
//!
//! The roofline model (Williams, Waterman and Patterson, 2009): a call that needs `flops` operations and
//! must move `bytes` takes `max(flops / peak, bytes / bandwidth)` at least. Which of the two is larger says
//! what bounds it; where both together explain less than a tenth of the measured time, neither does, and
//! what costs is overhead: launching, allocating, a kernel that is far from the machine. The ceilings
//! are measured (`nongemm machine`), never taken from a data sheet.

use nongemm_core::record::{OpRow, Profile, RunRecord};

use crate::breakdown::Breakdown;

/// Part of the measured time that the roofline must explain; below it an operator is overhead-bound.
pub(crate) const OVERHEAD_BELOW: f64 = 0.1;

/// The ceilings that a run is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Roof {
    /// Floating-point operations per second of the largest GEMM in the run's type.
    pub(crate) flops_per_s: f64,
    /// Bytes per second of a copy, read and written.
    pub(crate) bytes_per_s: f64,
}

/// What bounds an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Arithmetic.
    Compute,
    /// Moving its operands.
    Memory,
    /// Neither: less than [`OVERHEAD_BELOW`] of its time is explained by them.
    Overhead,
}

impl Bound {
    /// In words: `compute`, `memory`, `overhead`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Bound::Compute => "compute",
            Bound::Memory => "memory",
            Bound::Overhead => "overhead",
        }
    }
}

/// One operator on the roofline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    /// What bounds it.
    pub(crate) bound: Bound,
    /// Its time at the roofline, in nanoseconds.
    pub(crate) roof_ns: f64,
}

impl Roof {
    /// The ceilings of a run.
    ///
    /// # Errors
    /// One sentence that says why there are none and what to do.
    pub(crate) fn of(run: &RunRecord) -> Result<Roof, String> {
        let _ = run;
        Err("the machine's ceilings are not in the record; run `nongemm machine`, then measure again".to_owned())
    }

    /// What the ceilings are, and what the bounds mean.
    pub(crate) fn about(&self) -> String {
        format!(
            "Ceilings measured on this machine: {:.4} GFLOP/s in a GEMM, {:.4} GB/s in a copy. An operator is \
             compute- or memory-bound by which of the two takes it longer, overhead-bound where both explain \
             less than {:.0}% of its time.",
            self.flops_per_s / 1e9,
            self.bytes_per_s / 1e9,
            OVERHEAD_BELOW * 100.0
        )
    }

    /// Where an operator of this cost that took `ns` lies. `None` for an operator of unknown cost.
    pub(crate) fn place(&self, row: &OpRow, ns: f64) -> Option<Placed> {
        let compute = row.flops? as f64 / self.flops_per_s * 1e9;
        let memory = row.bytes? as f64 / self.bytes_per_s * 1e9;
        let roof_ns = compute.max(memory);
        let bound = match () {
            () if roof_ns < OVERHEAD_BELOW * ns || roof_ns <= 0.0 => Bound::Overhead,
            () if compute > memory => Bound::Compute,
            () => Bound::Memory,
        };
        Some(Placed { bound, roof_ns })
    }
}

/// A group of a run on the roofline; times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GroupRoof {
    /// The group's spelling.
    pub(crate) name: String,
    /// Its time.
    pub(crate) ns: f64,
    /// Time in compute-bound operators.
    pub(crate) compute_ns: f64,
    /// Time in memory-bound operators.
    pub(crate) memory_ns: f64,
    /// Time in overhead-bound operators.
    pub(crate) overhead_ns: f64,
    /// Time in operators of unknown cost.
    pub(crate) unknown_ns: f64,
    /// Time at the roofline, of the operators of known cost.
    pub(crate) roof_ns: f64,
}

impl GroupRoof {
    /// How many times faster the operators of known cost would be at the roofline; `None` where that is
    /// no time at all.
    pub(crate) fn headroom(&self) -> Option<f64> {
        (self.roof_ns > 0.0).then(|| (self.ns - self.unknown_ns) / self.roof_ns)
    }

    fn add(&mut self, ns: f64, placed: Option<Placed>) {
        self.ns += ns;
        let Some(placed) = placed else {
            self.unknown_ns += ns;
            return;
        };
        self.roof_ns += placed.roof_ns;
        match placed.bound {
            Bound::Compute => self.compute_ns += ns,
            Bound::Memory => self.memory_ns += ns,
            Bound::Overhead => self.overhead_ns += ns,
        }
    }
}

/// The groups of a run on the roofline, in the order of its breakdown.
pub(crate) fn groups(run: &RunRecord, profile: &Profile, roof: &Roof) -> Vec<GroupRoof> {
    let breakdown = Breakdown::of(run);
    let names = breakdown
        .iter()
        .flat_map(|b| b.groups.iter().map(|line| line.name));
    let mut groups: Vec<GroupRoof> = names
        .map(|name| GroupRoof {
            name: name.to_owned(),
            ..GroupRoof::default()
        })
        .collect();
    for row in &profile.ops {
        let ns = profile.time_of(row);
        let own = groups
            .iter_mut()
            .find(|group| group.name == row.group.name());
        if let Some(group) = own {
            group.add(ns, roof.place(row, ns));
        }
    }
    groups
}
