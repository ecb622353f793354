//! The samples of a run as rows.

use std::collections::BTreeSet;

use nongemm_core::record::RunRecord;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// `plain`: end to end, nothing instrumented; `instrumented`: with every operator timed. Samples of the two
    /// passes were taken in pairs: those of one index are neighbours.
    pub(crate) pass: &'static str,
    /// Position in its pass.
    pub(crate) index: usize,
    /// Wall time in nanoseconds.
    pub(crate) ns: u64,
    /// Whether it is far from the median. Not asked of instrumented samples.
    pub(crate) outlier: Option<bool>,
    /// Whether something outside took processor time meanwhile. Not known of instrumented samples.
    pub(crate) disturbed: Option<bool>,
}

/// All samples of a run, the plain ones first.
pub(crate) fn of(run: &RunRecord) -> impl Iterator<Item = Sample> + '_ {
    let plain = run.latency.iter().flat_map(|latency| {
        let outliers: BTreeSet<usize> = latency.outliers.iter().copied().collect();
        let disturbed: BTreeSet<usize> = latency.disturbed.iter().copied().collect();
        let samples = latency.samples_ns.iter().enumerate();
        samples.map(move |(index, &ns)| Sample {
            pass: "plain",
            index,
            ns,
            outlier: Some(outliers.contains(&index)),
            disturbed: Some(disturbed.contains(&index)),
        })
    });
    let instrumented = run.profile.iter().flat_map(|profile| {
        let walls = profile.walls_ns.iter().enumerate();
        walls.map(|(index, &ns)| Sample {
            pass: "instrumented",
            index,
            ns,
            outlier: None,
            disturbed: None,
        })
    });
    plain.chain(instrumented)
}
