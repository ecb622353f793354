//! Every operator against the measured ceilings of its machine.
//!
//! The roofline model (Williams, Waterman and Patterson, 2009): a call that needs `flops` operations and
//! must move `bytes` takes `max(flops / peak, bytes / bandwidth)` at least. Which of the two is larger says
//! what bounds it; where both together explain less than a tenth of the measured time, neither does, and
//! what costs is overhead: launching, allocating, a kernel that is far from the machine. The ceilings
//! are measured (`nongemm machine`), never taken from a data sheet.

use nongemm_core::dtype::DType;
use nongemm_core::record::{Profile, RunRecord};

use crate::breakdown::Breakdown;

/// Part of the measured time that the roofline must explain; below it an operator is overhead-bound.
pub(crate) const OVERHEAD_BELOW: f64 = 0.1;

/// The ceilings that a run is held against.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Roof {
    /// Floating-point operations per second of large matrix products in the run's type.
    pub(crate) flops_per_s: f64,
    /// Bytes per second of a large copy, read and written.
    pub(crate) bytes_per_s: f64,
    /// The backend whose kernels gave them.
    backend: String,
    /// The run's type.
    dtype: DType,
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
    /// The ceilings of a run: those of its own backend, else those of the flow that it is a variant of,
    /// else the highest on the same device with as many threads.
    ///
    /// # Errors
    /// One sentence that says why there are none and what to do.
    pub(crate) fn of(run: &RunRecord) -> Result<Roof, String> {
        let (spec, dtype) = (&run.spec, run.spec.dtype);
        let ceilings = &run.machine.ceilings;
        if ceilings.is_empty() {
            return Err("the machine's ceilings were not measured before this run; run `nongemm machine`, then \
                        measure again"
                .to_owned());
        }
        let alike = ceilings
            .iter()
            .filter(|c| c.device == spec.device && c.threads == spec.threads);
        let roofs = alike.filter_map(|c| {
            let roof = Roof {
                flops_per_s: c.gemm_flops_per_s.get(&dtype)?.value,
                bytes_per_s: c.copy_bytes_per_s?.value,
                backend: c.backend.clone(),
                dtype,
            };
            (roof.flops_per_s > 0.0 && roof.bytes_per_s > 0.0).then_some(roof)
        });
        let family = spec.backend.split(':').next();
        let near = |roof: &Roof| {
            (
                roof.backend == spec.backend,
                Some(roof.backend.as_str()) == family,
            )
        };
        let best = roofs.max_by(|a, b| {
            let by_backend = near(a).cmp(&near(b));
            by_backend.then(a.flops_per_s.total_cmp(&b.flops_per_s))
        });
        best.ok_or_else(|| {
            format!(
                "no ceilings were measured on {} in {dtype} with {} threads; run `nongemm machine`, then \
                 measure again",
                spec.device, spec.threads
            )
        })
    }

    /// What the ceilings are, and what the bounds mean.
    pub(crate) fn about(&self) -> String {
        format!(
            "Ceilings measured on this machine with {}: {:.1} GFLOP/s in a {} GEMM, {:.1} GB/s in a copy. An operator is \
             compute- or memory-bound by which of the two takes it longer, overhead-bound where both explain \
             less than {:.0}% of its time.",
            self.backend,
            self.flops_per_s / 1e9,
            self.dtype,
            self.bytes_per_s / 1e9,
            OVERHEAD_BELOW * 100.0
        )
    }

    /// Where an operator of this cost that took `ns` lies. `None` for an operator of unknown cost.
    pub(crate) fn place(&self, flops: Option<u64>, bytes: Option<u64>, ns: f64) -> Option<Placed> {
        let compute = flops? as f64 / self.flops_per_s * 1e9;
        let memory = bytes? as f64 / self.bytes_per_s * 1e9;
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
            group.add(ns, roof.place(row.flops, row.bytes, ns));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roof() -> Roof {
        Roof {
            flops_per_s: 1e11,
            bytes_per_s: 1e10,
            backend: "candle".to_owned(),
            dtype: DType::F32,
        }
    }

    /// (FLOPs, bytes, measured ns) and what is expected: a ridge of 10 FLOPs per byte.
    #[test]
    fn the_larger_of_both_times_bounds() {
        let cases = [
            (1_000_000, 1000, 12_000.0, Bound::Compute, 10_000.0),
            (1000, 1_000_000, 150_000.0, Bound::Memory, 100_000.0),
            // A tenth of the time is the limit.
            (1_000_000, 1000, 100_000.0, Bound::Compute, 10_000.0),
            (1_000_000, 1000, 100_100.0, Bound::Overhead, 10_000.0),
            // A view moves nothing: whatever it takes is overhead.
            (0, 0, 200.0, Bound::Overhead, 0.0),
            // Faster than the ceilings allow (a cache): bound by the nearer one all the same.
            (1000, 1_000_000, 50_000.0, Bound::Memory, 100_000.0),
        ];
        for (flops, bytes, ns, bound, roof_ns) in cases {
            let placed = roof().place(Some(flops), Some(bytes), ns);
            assert_eq!(
                placed,
                Some(Placed { bound, roof_ns }),
                "{flops} {bytes} {ns}"
            );
        }
        assert_eq!(roof().place(None, Some(1), 1.0), None);
    }

    #[test]
    fn a_group_adds_up() {
        let mut group = GroupRoof::default();
        for (flops, ns) in [
            (Some(1_000_000), 20_000.0),
            (Some(0), 5_000.0),
            (None, 7_000.0),
        ] {
            group.add(ns, roof().place(flops, Some(0), ns));
        }
        assert_eq!(
            group.compute_ns + group.memory_ns + group.overhead_ns + group.unknown_ns,
            group.ns
        );
        assert_eq!(group.compute_ns, 20_000.0);
        // Twenty-five of known cost, ten at the roofline.
        assert_eq!(group.headroom(), Some(2.5));
        assert_eq!(GroupRoof::default().headroom(), None);
    }
}
