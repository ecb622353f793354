//! A backend under test.

use std::collections::BTreeMap;
use std::fmt;

use super::deviation::{deviation, near};
use super::expected::Expected;
use crate::dtype::DType;
use crate::graph::Graph;
use crate::measure::{Mode, Monotonic, Recorder};
use crate::op::{OpCase, OpEntry, OpRegistry, Values};
use crate::plugin::{Backend, Device, NoWeights, PrepareOptions, Session, Settings, caught};
use crate::shape::{Dim, TensorSpec};
use crate::tensor::HostTensor;

/// A case that a backend does not pass. Once it does, that is a failure: the entry is stale.
#[derive(Clone, Copy, Debug)]
pub struct Skip {
    /// The case's id, `operator/case`.
    pub case: &'static str,
    /// The type of its floating-point inputs; `f32` is the case as it stands.
    pub dtype: DType,
    /// Why it is not passed.
    pub reason: &'static str,
}

/// A backend under test.
#[derive(Clone, Copy)]
pub struct Suite<'a> {
    /// The backend.
    pub backend: &'a dyn Backend,
    /// The type that its bool tensors may be stored in, if not as they are.
    pub bool_as: DType,
    /// Largest error in `f32`, relative to the larger of 1 and the expected value.
    pub tolerance: f64,
    /// What it does not pass.
    pub skips: &'a [Skip],
    /// Only operators that this crate registers; those of all crates if `None`.
    pub krate: Option<&'a str>,
}

/// What failed, a line for each case.
pub struct Failures(pub(super) Vec<String>);

impl Failures {
    pub(super) fn or<T>(self, passed: T) -> Result<T, Failures> {
        if self.0.is_empty() {
            Ok(passed)
        } else {
            Err(self)
        }
    }
}

/// What `unwrap` shows.
impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases\n{}", self.0.len(), self.0.join("\n"))
    }
}

/// The case with the largest error among those that pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worst {
    /// The case's id.
    pub case: String,
    /// Relative to the larger of 1 and the expected value.
    pub error: f64,
}

/// What a run of a case produced, and what it had announced.
#[derive(Clone, Debug)]
pub struct Run {
    /// The outputs.
    pub outputs: Vec<HostTensor>,
    /// Specs of the outputs that the operator infers.
    pub inferred: Vec<TensorSpec>,
    /// Specs of each step's outputs as they came.
    pub produced: Vec<Vec<TensorSpec>>,
    /// Specs of each step's outputs as announced.
    pub announced: Vec<Vec<TensorSpec>>,
}

/// Options on the CPU with a policy for composites (`reference`, `fused`, `parts`).
pub fn options(composites: &str) -> PrepareOptions {
    let settings = BTreeMap::from([("composites".to_owned(), composites.to_owned())]);
    PrepareOptions {
        device: Device::Cpu,
        dtype: DType::F32,
        threads: 1,
        settings: Settings::new(settings),
    }
}

/// Every case of every operator that is linked.
///
/// # Errors
/// When operators of one name are registered twice, or none is linked.
pub fn cases() -> anyhow::Result<Vec<OpCase>> {
    cases_of(|_| true)
}

/// The cases of some operators; none at all is an error, so that nothing passes for want of cases.
fn cases_of(wanted: impl Fn(&OpEntry) -> bool) -> anyhow::Result<Vec<OpCase>> {
    let registry = OpRegistry::collect()?;
    let wanted = registry.iter().filter(|(_, entry)| wanted(entry));
    let names: Vec<&str> = wanted.map(|(name, _)| name).collect();
    let mut cases = registry.cases();
    cases.retain(|case| names.contains(&case.op.name()));
    anyhow::ensure!(!cases.is_empty(), "no operator is linked");
    Ok(cases)
}

impl<'a> Suite<'a> {
    /// A backend that keeps bool tensors as they are, computes in `f32` to five digits and passes
    /// every case of every operator.
    pub const fn new(backend: &'a dyn Backend) -> Self {
        Suite {
            backend,
            bool_as: DType::Bool,
            tolerance: 1e-5,
            skips: &[],
            krate: None,
        }
    }

    /// All cases compute what the reference computes, with composites as the policy says.
    ///
    /// # Errors
    /// The cases that do not, and skips that are stale.
    pub fn outputs(&self, composites: &str) -> Result<Worst, Failures> {
        self.each(DType::F32, |case| {
            self.compare(case, case, composites, self.tolerance)
        })
    }

    /// All cases whose operator takes another floating-point type compute in that type what the reference
    /// computes in `f32`.
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs).
    pub fn in_dtype(&self, dtype: DType, tolerance: f64) -> Result<Worst, Failures> {
        self.each(dtype, |case| match with_dtype(case.clone(), dtype) {
            Some(changed) => self.compare(&changed, case, "fused", tolerance),
            None => Ok(0.0),
        })
    }

    /// Composites compute the same fused and in parts.
    ///
    /// # Errors
    /// The composites that do not.
    pub fn composites(&self) -> Result<Worst, Failures> {
        self.each(DType::F32, |case| {
            if self.steps(case, "parts")? == [case.op.name()] {
                return Ok(0.0);
            }
            let (fused, parts) = (self.run(case, "fused")?, self.run(case, "parts")?);
            let mut worst = 0.0f64;
            for (fused, parts) in fused.outputs.iter().zip(&parts.outputs) {
                anyhow::ensure!(
                    fused.spec() == parts.spec(),
                    "fused {}, parts {}",
                    fused.spec(),
                    parts.spec()
                );
                worst = worst.max(deviation(parts, fused));
            }
            near(worst, self.tolerance)
        })
    }

    /// The shapes and types of all steps are the inferred ones.
    ///
    /// # Errors
    /// The cases where they are not.
    pub fn shapes(&self) -> Result<(), Failures> {
        let checked = self.each(DType::F32, |case| {
            self.check_shapes(&self.run(case, "parts")?)?;
            Ok(0.0)
        });
        checked.map(|_| ())
    }

    /// The shapes and types of all steps of a run are the inferred ones.
    pub(super) fn check_shapes(&self, run: &Run) -> anyhow::Result<()> {
        anyhow::ensure!(
            run.announced.len() == run.produced.len(),
            "{} steps for {}",
            run.produced.len(),
            run.announced.len()
        );
        let produced = run.produced.iter().flatten();
        for (inferred, produced) in run.announced.iter().flatten().zip(produced) {
            anyhow::ensure!(
                self.stores(inferred.dtype, produced.dtype) && describes(inferred, produced),
                "inferred {inferred}, got {produced}"
            );
        }
        for (inferred, output) in run.inferred.iter().zip(&run.outputs) {
            anyhow::ensure!(
                inferred.shape.rank() == output.shape().len(),
                "inferred {inferred}, got {}",
                output.spec()
            );
        }
        Ok(())
    }

    /// The operators that run for a case.
    ///
    /// # Errors
    /// When the backend cannot run it.
    pub fn steps(&self, case: &OpCase, composites: &str) -> anyhow::Result<Vec<String>> {
        let session = self.prepare(&case.graph()?, composites)?;
        Ok(session.steps().iter().map(|step| step.op.clone()).collect())
    }

    /// Runs a case once.
    ///
    /// # Errors
    /// When the backend cannot run it.
    pub fn run(&self, case: &OpCase, composites: &str) -> anyhow::Result<Run> {
        let graph = case.graph()?;
        let mut session = self.prepare(&graph, composites)?;
        session.bind(&case.tensors()?)?;
        let clock = Monotonic::new();
        let mut recorder = Recorder::new(&clock, Mode::Shapes, session.steps().len());
        session.run(&mut recorder)?;
        let outputs = session.outputs()?;
        let inferred = graph.outputs().iter().map(|(_, value)| graph.spec(*value));
        let steps = session.steps().iter();
        Ok(Run {
            outputs: outputs.into_iter().map(|(_, tensor)| tensor).collect(),
            inferred: inferred.cloned().collect(),
            produced: recorder
                .shapes()
                .iter()
                .map(|(_, specs)| specs.clone())
                .collect(),
            announced: steps.map(|step| step.outputs.clone()).collect(),
        })
    }

    pub(super) fn prepare(
        &self,
        graph: &Graph,
        composites: &str,
    ) -> anyhow::Result<Box<dyn Session>> {
        Ok(self
            .backend
            .prepare(graph, &NoWeights, &options(composites))?)
    }

    /// Whether the backend may store tensors of a type so.
    fn stores(&self, dtype: DType, found: DType) -> bool {
        found == dtype || dtype == DType::Bool && found == self.bool_as
    }

    /// Runs a check, which returns an error of the outputs, for all cases.
    fn each(
        &self,
        dtype: DType,
        check: impl Fn(&OpCase) -> anyhow::Result<f64>,
    ) -> Result<Worst, Failures> {
        let cases = self.cases()?;
        let (mut worst, mut failures) = (Worst::default(), Failures(Vec::new()));
        for case in &cases {
            let id = case.id();
            match (guarded(|| check(case)), self.skip(&id, dtype)) {
                (Ok(error), None) if error >= worst.error => worst = Worst { case: id, error },
                (Ok(_), None) | (Err(_), Some(_)) => {}
                (Err(error), None) => failures.0.push(format!("{id}: {error:#}")),
                (Ok(_), Some(skip)) => failures.0.push(stale(skip)),
            }
        }
        failures.0.extend(self.unknown_skips(&cases));
        failures.or(worst)
    }

    /// The cases of the operators that are tested.
    pub(super) fn cases(&self) -> Result<Vec<OpCase>, Failures> {
        let cases = cases_of(|entry| self.krate.is_none_or(|krate| entry.krate == krate));
        cases.map_err(|error| Failures(vec![format!("{error:#}")]))
    }

    /// The entry that says that a case is not passed.
    pub(super) fn skip(&self, case: &str, dtype: DType) -> Option<&Skip> {
        let mut skips = self.skips.iter();
        skips.find(|skip| skip.case == case && skip.dtype == dtype)
    }

    /// A line for each entry without a case.
    pub(super) fn unknown_skips(&self, cases: &[OpCase]) -> Vec<String> {
        let unknown =
            |skip: &&Skip| self.krate.is_none() && !cases.iter().any(|case| case.id() == skip.case);
        let skips = self.skips.iter().filter(unknown);
        skips
            .map(|skip| format!("{}: is skipped, but there is no such case", skip.case))
            .collect()
    }

    /// The largest error of a case's outputs; `expected` is the case whose outputs are known.
    pub(super) fn compare(
        &self,
        case: &OpCase,
        expected: &OpCase,
        composites: &str,
        tolerance: f64,
    ) -> anyhow::Result<f64> {
        let run = self.run(case, composites)?;
        let error = self.error([case, expected], &run.inferred, &run.outputs)?;
        near(error, tolerance)
    }

    /// The largest error of what a case produced; the second is the case whose outputs are known.
    pub(super) fn error(
        &self,
        [case, known]: [&OpCase; 2],
        inferred: &[TensorSpec],
        found: &[HostTensor],
    ) -> anyhow::Result<f64> {
        let expected = Expected::collect()?.outputs(known)?;
        anyhow::ensure!(
            expected.len() == found.len(),
            "{} outputs for {}",
            found.len(),
            expected.len()
        );
        let mut worst = 0.0f64;
        let found = inferred.iter().zip(found);
        for (i, (expected, (inferred, found))) in expected.iter().zip(found).enumerate() {
            anyhow::ensure!(
                expected.shape() == found.shape() && self.stores(inferred.dtype, found.dtype()),
                "output {i}: expected {} of {}, got {}",
                expected.spec(),
                inferred.dtype,
                found.spec()
            );
            if !case.jumps || case.inputs == known.inputs {
                worst = worst.max(deviation(expected, found));
            }
        }
        Ok(worst)
    }
}

/// Says that an entry has to go.
pub(super) fn stale(skip: &Skip) -> String {
    format!(
        "{}: passes, but is skipped because {}",
        skip.case, skip.reason
    )
}

/// The case with its `f32` inputs in another type; nothing if it has none, or the operator does not take
/// that type.
fn with_dtype(mut case: OpCase, dtype: DType) -> Option<OpCase> {
    let mut changed = false;
    for input in &mut case.inputs {
        if input.spec.dtype == DType::F32 && matches!(input.values, Values::Range(..)) {
            input.spec.dtype = dtype;
            changed = true;
        }
    }
    let specs: Vec<TensorSpec> = case.inputs.iter().map(|input| input.spec.clone()).collect();
    (changed && case.op.infer(&specs).is_ok()).then_some(case)
}

/// Runs a check; a panic is a failure of its case and not the end of the suite.
pub(super) fn guarded<T>(check: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    caught(check).unwrap_or_else(|message| Err(anyhow::anyhow!("panicked: {message}")))
}

/// Whether a shape, perhaps with symbolic dimensions, is that of the tensor.
fn describes(inferred: &TensorSpec, produced: &TensorSpec) -> bool {
    let (inferred, produced) = (inferred.shape.dims(), produced.shape.dims());
    let mut dims = inferred.iter().zip(produced);
    inferred.len() == produced.len()
        && dims
            .all(|(inferred, produced)| matches!(inferred, Dim::Symbol(_)) || inferred == produced)
}
