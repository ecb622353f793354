//! Many cases in one graph, for backends that take long to prepare one.

use std::sync::Arc;

use super::deviation::near;
use super::suite::{Failures, Suite, Worst, guarded, stale};
use crate::dtype::DType;
use crate::graph::{Graph, GraphBuilder, Value};
use crate::measure::{Mode, Monotonic, Recorder};
use crate::op::{Op, OpCase};

/// How cases are put into one graph.
pub struct Together {
    /// So many at most.
    pub at_most: usize,
    /// The operator that copies a tensor. Cases work on copies of the graph's inputs, so that one that works
    /// in place finds the same inputs whenever the graph runs.
    pub copy: Arc<dyn Op>,
}

impl Suite<'_> {
    /// As [`outputs`](Suite::outputs), with many cases in one graph. Where such a graph does not run, its
    /// halves are tried, down to the case that is to blame.
    ///
    /// # Errors
    /// As [`outputs`](Suite::outputs).
    pub fn outputs_together(
        &self,
        composites: &str,
        together: &Together,
    ) -> Result<Worst, Failures> {
        let copy = &together.copy;
        let errors = |cases: &[&OpCase]| guarded(|| self.errors(cases, composites, copy));
        let cases = self.cases()?;
        let mut worst = Worst::default();
        let mut failures = Failures(self.unknown_skips(&cases));
        let mut wanted = Vec::new();
        for case in &cases {
            match self.skip(&case.id(), DType::F32) {
                None => wanted.push(case),
                Some(skip) if errors(&[case]).is_ok_and(passes) => {
                    failures.0.push(stale(skip));
                }
                Some(_) => {}
            }
        }
        for cases in wanted.chunks(together.at_most.max(1)) {
            judge(cases, &errors, &mut worst, &mut failures);
        }
        failures.or(worst)
    }

    /// The largest error of each case, all of them in one graph.
    fn errors(
        &self,
        cases: &[&OpCase],
        composites: &str,
        copy: &Arc<dyn Op>,
    ) -> anyhow::Result<Vec<anyhow::Result<f64>>> {
        let graph = joined(cases, copy)?;
        let mut session = self.prepare(&graph, composites)?;
        let mut inputs = Vec::new();
        for case in cases {
            inputs.extend(case.tensors()?);
        }
        session.bind(&inputs)?;
        let clock = Monotonic::new();
        session.run(&mut Recorder::new(&clock, Mode::Off, session.steps().len()))?;
        let found = session.outputs()?;
        anyhow::ensure!(
            found.len() == graph.outputs().len(),
            "{} outputs for {}",
            found.len(),
            graph.outputs().len()
        );
        let named = graph.outputs().iter().zip(found);
        let named: Vec<_> = named
            .map(|((name, value), (_, tensor))| (name, graph.spec(*value).clone(), tensor))
            .collect();
        let judged = cases.iter().enumerate().map(|(index, case)| {
            let prefix = prefix(index);
            let own = named.iter().filter(|(name, ..)| name.starts_with(&prefix));
            let (inferred, found): (Vec<_>, Vec<_>) = own
                .map(|(_, spec, tensor)| (spec.clone(), tensor.clone()))
                .unzip();
            let error = self.error([case, case], &inferred, &found)?;
            near(error, self.tolerance)
        });
        Ok(judged.collect())
    }
}

/// The largest error of each of some cases, if their graph runs.
type Errors<'e> = &'e dyn Fn(&[&OpCase]) -> anyhow::Result<Vec<anyhow::Result<f64>>>;

fn judge(cases: &[&OpCase], errors: Errors<'_>, worst: &mut Worst, failures: &mut Failures) {
    match errors(cases) {
        Ok(errors) => {
            for (case, error) in cases.iter().zip(errors) {
                let case = case.id();
                match error {
                    Ok(error) if error >= worst.error => *worst = Worst { case, error },
                    Ok(_) => {}
                    Err(error) => failures.0.push(format!("{case}: {error:#}")),
                }
            }
        }
        Err(error) => match cases {
            [case] => failures.0.push(format!("{}: {error:#}", case.id())),
            _ => {
                let (first, second) = cases.split_at(cases.len() / 2);
                judge(first, errors, worst, failures);
                judge(second, errors, worst, failures);
            }
        },
    }
}

fn passes(errors: Vec<anyhow::Result<f64>>) -> bool {
    errors.iter().all(Result::is_ok)
}

fn prefix(case: usize) -> String {
    format!("case{case}.")
}

/// A graph of all cases side by side, on copies of its inputs.
fn joined(cases: &[&OpCase], copy: &Arc<dyn Op>) -> anyhow::Result<Graph> {
    let mut g = GraphBuilder::new(DType::F32);
    for (index, case) in cases.iter().enumerate() {
        let prefix = prefix(index);
        let mut inputs: Vec<Value> = Vec::new();
        for (i, input) in case.inputs.iter().enumerate() {
            let value = g.input(&format!("{prefix}in{i}"), input.spec.clone())?;
            inputs.extend(g.add_shared(copy.clone(), &[value])?);
        }
        let outputs = g.add_shared(case.op.clone(), &inputs)?;
        for (i, output) in outputs.into_iter().enumerate() {
            g.output(&format!("{prefix}out{i}"), output);
        }
    }
    Ok(g.finish())
}
