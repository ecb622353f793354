//! What changed between two sets of run records: which runs, and which operators account for it.
//!
//! The statistics, all of them from what the records hold:
//!
//! - A *change* is the ratio of NEW to BASE, estimated on a logarithmic scale with a 95% interval of Student's
//!   t. The *threshold* is the smallest change that matters, and the margin of every verdict: **slower** and
//!   **faster** mean that the change lies beyond it with 95% confidence, **same** that the whole interval lies
//!   within it, **unclear** that the runs do not say.
//! - Where a side has several records of one specification they are repetitions, each in a process of its own,
//!   and the variation between them is what the interval is made of. It is never taken to be less than the
//!   variation within them.
//! - With one record a side only the variation within a run is known: of the latency from its samples, with
//!   blocks of neighbours left out in turn, so that drift counts (`estimate`). Two processes can differ by more
//!   (memory lies elsewhere), and a note says so. For operators that variation is estimated from their peers:
//!   equal calls elsewhere in the model, and operators of similar length (`peers`).
//! - Many comparisons: p-values of runs are adjusted by Holm's procedure over all runs, those of operators and of
//!   groups by Benjamini and Hochberg's within a run (`judge`).
//!
//! Contributions are differences of times in the median run, which add up: over groups, and over operators, with
//! `unattributed`, they are the difference of the whole.
//!
//! This is a part of the reporters' crate because it reads records only and its result is a report; the core
//! measures and records.

mod differences;
mod estimate;
mod judge;
mod operators;
mod pairing;
mod peers;
mod profile;
mod run;
pub mod show;
mod sums;

use nongemm_core::record::RunRecord;
use serde::Serialize;

pub use differences::Difference;
pub use judge::{Change, Verdict};
pub use profile::{Part, ProfileChange};
pub use run::{Pair, Side};

/// The result of a comparison.
///
/// ```
/// use nongemm_report::compare::Comparison;
/// # use std::collections::BTreeMap;
/// # use nongemm_core::dtype::DType;
/// # use nongemm_core::measure::Stop;
/// # use nongemm_core::plugin::Device;
/// # use nongemm_core::record::{Latency, RunRecord, RunSpec, Status};
/// # fn run(ns: u64) -> RunRecord {
/// #     let spec = RunSpec {
/// #         model: "tiny".to_owned(), backend: "mine".to_owned(), device: Device::Cpu, dtype: DType::F32,
/// #         batch: 1, seq: None, image: None, weights: "zeros".to_owned(), dataset: "grey".to_owned(),
/// #         threads: 1, inputs: 1, settings: BTreeMap::new(),
/// #     };
/// #     let samples_ns: Vec<u64> = (0..40).map(|i| ns + i % 5).collect();
/// #     RunRecord {
/// #         status: Status::Ok,
/// #         error: None,
/// #         latency: Some(Latency {
/// #             n: samples_ns.len(), samples_ns, median_ns: ns as f64 + 2.0, mad_ns: 1.0,
/// #             ci95_ns: [ns as f64, ns as f64 + 4.0], min_ns: ns, stop: Stop::TargetCi, target_ci: 0.02,
/// #             warmup_runs: 3, steady: true, outliers: Vec::new(), disturbed: Vec::new(),
/// #         }),
/// #         ..nongemm_core::run::failed(&spec, String::new())
/// #     }
/// # }
///
/// // Records as `store::read_all` gives them: 100 µs before, 130 µs after.
/// let comparison = Comparison::of(&[run(100_000)], &[run(130_000)], 0.05);
/// assert!(comparison.has_regressed());
/// assert!(!Comparison::of(&[run(100_000)], &[run(101_000)], 0.05).has_regressed());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The smallest change that matters, as a part of one.
    pub threshold: f64,
    /// Runs that both sides have, in the order of NEW.
    pub pairs: Vec<Pair>,
    /// Ids of runs that only BASE has.
    pub only_base: Vec<String>,
    /// Ids of runs that only NEW has.
    pub only_new: Vec<String>,
}

impl Comparison {
    /// Pairs the runs and judges every pair. `threshold` is the smallest change that matters, as a part of one.
    pub fn of(base: &[RunRecord], new: &[RunRecord], threshold: f64) -> Self {
        let paired = pairing::pair(base, new);
        let mut pairs: Vec<Pair> = paired
            .pairs
            .iter()
            .map(|(base, new)| run::compare(base, new, threshold))
            .collect();
        let latencies = pairs.iter_mut().filter_map(|pair| pair.latency.as_mut());
        judge::settle(latencies.collect(), judge::holm, threshold);
        Comparison {
            threshold,
            pairs,
            only_base: paired.only_base,
            only_new: paired.only_new,
        }
    }

    /// Whether a run is slower than the threshold allows, or fails where it did not.
    pub fn has_regressed(&self) -> bool {
        self.pairs.iter().any(Pair::has_regressed)
    }
}
