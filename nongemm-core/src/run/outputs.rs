//! The outputs of a run: checked against the graph, and against those of another run of the same thing.

mod compare;
mod kept;

use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use self::compare::Comparison;
use self::kept::{Kept, Writer};
use crate::dtype::DType;
use crate::graph::Graph;
use crate::plugin::{Device, Session};
use crate::record::{Checks, ReferenceCheck};
use crate::shape::TensorSpec;

/// Where the outputs of an earlier run are, and which run that was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The file.
    pub file: PathBuf,
    /// The run's id.
    pub run: String,
    /// Its backend.
    pub backend: String,
    /// Its device.
    pub device: Device,
}

/// What a run does with its outputs once it is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputsTask {
    /// Leaves them in a file.
    Keep(PathBuf),
    /// Compares them with those of an earlier run.
    Compare(Reference),
}

impl OutputsTask {
    /// Carries it out, one output after the other; a comparison gives a result.
    pub(super) fn run(
        &self,
        session: &mut dyn Session,
        dtype: DType,
    ) -> anyhow::Result<Option<ReferenceCheck>> {
        match self {
            OutputsTask::Keep(file) => {
                let keep = |session: &mut dyn Session| {
                    let mut writer = Writer::create(file)?;
                    session.each_output(&mut |name, tensor| writer.add(name, &tensor))?;
                    writer.finish()
                };
                keep(session).with_context(|| format!("cannot write {}", file.display()))?;
                Ok(None)
            }
            OutputsTask::Compare(reference) => {
                let expected = Kept::open(&reference.file)
                    .with_context(|| format!("cannot read {}", reference.file.display()))?;
                let mut comparison = Comparison::new(reference, expected, dtype);
                session.each_output(&mut |name, tensor| comparison.add(name, &tensor))?;
                Ok(Some(comparison.finish()))
            }
        }
    }
}

/// Checks that every output is finite and, where a graph declares them, there and of its shape.
pub(super) fn check(session: &mut dyn Session, graph: Option<&Graph>) -> anyhow::Result<Checks> {
    const HEAD: usize = 8;
    let mut checks = Checks {
        finite: true,
        ..Checks::default()
    };
    let mut position = 0;
    session.each_output(&mut |name, tensor| {
        if let Some(graph) = graph {
            check_shape(graph, position, name, &tensor.spec())?;
        }
        position += 1;
        let data = tensor.data();
        checks.finite &= data.is_finite();
        checks.outputs.insert(name.to_owned(), tensor.spec());
        checks.head.insert(name.to_owned(), data.head(HEAD));
        Ok(())
    })?;
    if let Some(graph) = graph {
        let declared = graph.outputs().len();
        anyhow::ensure!(
            declared == position,
            "{position} outputs instead of {declared}"
        );
    }
    anyhow::ensure!(
        checks.finite,
        "an output holds values that are not finite (NaN or infinity)"
    );
    Ok(checks)
}

/// Checks that an output has the name and the shape that the graph declares at its position.
fn check_shape(
    graph: &Graph,
    position: usize,
    found: &str,
    spec: &TensorSpec,
) -> anyhow::Result<()> {
    let Some((name, value)) = graph.outputs().get(position) else {
        anyhow::bail!("there is no output {found} in the graph");
    };
    anyhow::ensure!(name == found, "output {name} is missing");
    let expected = graph.spec(*value);
    let dims = expected.shape.dims().iter().zip(spec.shape.dims());
    let fits = expected.shape.rank() == spec.shape.rank()
        && dims
            .into_iter()
            .all(|(dim, size)| dim.known().is_none() || dim == size);
    anyhow::ensure!(
        fits,
        "output {name} must have shape {}, has {}",
        expected.shape,
        spec.shape
    );
    Ok(())
}
