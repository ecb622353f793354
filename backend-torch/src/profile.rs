//! The operators that libtorch runs for a model are those that PyTorch's own profiler counts in the
//! reference (`models/tests/golden/NAME.profile.txt`, written by the example `golden` of the models).

#[path = "../../models/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::plugin::{Backend, Device};
use support::case::Case;
use support::{flow, golden};

use crate::Eager;
use crate::recording::Calls;

/// Operators by name, as libtorch sees them run, those left out that others call.
fn executed(case: &Case) -> anyhow::Result<BTreeMap<String, usize>> {
    let graph = case.graph()?;
    let weights = flow::weights("synthetic:0")?;
    let options = flow::options(Device::Cpu, case.dtype, &[])?;
    let mut session = Eager.prepare(&graph, weights.as_ref(), &options)?;
    let inputs = flow::inputs_of(case.model()?, &graph, case.batch)?
        .into_iter()
        .map(|(_, tensor)| tensor);
    session.bind(&inputs.collect::<Vec<_>>())?;
    let clock = Monotonic::new();
    let mut recorder = Recorder::new(&clock, Mode::Off, session.steps().len());
    let mut counts = BTreeMap::new();
    for call in Calls::new().learn(&mut || session.run(&mut recorder))? {
        *counts.entry(call.name).or_default() += 1;
    }
    Ok(counts)
}

/// Lines `aten::linear 12`.
fn profiled(case: &Case) -> BTreeMap<String, usize> {
    let file = std::fs::read_to_string(golden(&format!("{}.profile.txt", case.name))).unwrap();
    let read = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    file.lines().map(|line| read(line).unwrap()).collect()
}

/// Operators that do not run as often as in the reference.
fn differences(case: &Case) -> Vec<String> {
    let (found, expected) = (executed(case).unwrap(), profiled(case));
    let mut names: Vec<&String> = found.keys().chain(expected.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let count = |counts: &BTreeMap<String, usize>, name| counts.get(name).copied().unwrap_or(0);
    names
        .into_iter()
        .map(|name| (name, count(&found, name), count(&expected, name)))
        .filter(|(_, found, expected)| found != expected)
        .map(|(name, found, expected)| {
            format!("{name}: libtorch runs {found}, the reference {expected}")
        })
        .collect()
}

#[test]
fn libtorch_runs_the_operators_that_pytorchs_profiler_counts() {
    for case in Case::traced().unwrap() {
        let differences = differences(&case);
        assert!(differences.is_empty(), "{}: {differences:#?}", case.name);
    }
}
