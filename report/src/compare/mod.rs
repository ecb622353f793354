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
