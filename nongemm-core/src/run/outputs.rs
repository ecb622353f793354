//! The outputs of a run: checked against the graph, and against those of another run of the same thing.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::graph::Graph;
use crate::plugin::{Device, Session};
use crate::record::{Checks, ReferenceCheck};
use crate::shape::TensorSpec;
use crate::tensor::{HostData, HostTensor};

type Named = (String, HostTensor);

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
    /// Carries it out; a comparison gives a result.
    pub(super) fn run(
        &self,
        session: &mut dyn Session,
        dtype: DType,
    ) -> anyhow::Result<Option<ReferenceCheck>> {
        let outputs = session.outputs()?;
        match self {
            OutputsTask::Keep(file) => write(file, &outputs)
                .map(|()| None)
                .with_context(|| format!("cannot write {}", file.display())),
            OutputsTask::Compare(reference) => {
                let expected = read(&reference.file)
                    .with_context(|| format!("cannot read {}", reference.file.display()))?;
                Ok(Some(compare(reference, &expected, &outputs, dtype)))
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

/// How far outputs of two flows may be apart, relative to the largest magnitude of an output: what
/// another order of the same sums makes of the rounding of a type through the deepest models.
const fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-9,
        DType::F16 => 1e-2,
        DType::BF16 => 5e-2,
        _ => 1e-4,
    }
}

/// Compares outputs by name. Floating-point outputs may be apart by the tolerance of the run's type, all
/// others must be equal.
fn compare(
    reference: &Reference,
    expected: &[Named],
    found: &[Named],
    dtype: DType,
) -> ReferenceCheck {
    let mut check = ReferenceCheck {
        backend: reference.backend.clone(),
        device: reference.device,
        run: reference.run.clone(),
        max_abs_err: 0.0,
        max_rel_err: 0.0,
        tolerance: tolerance(dtype),
        within: false,
        differing: Vec::new(),
    };
    for (name, expected) in expected {
        let Some((_, found)) = found.iter().find(|(other, _)| other == name) else {
            check.differing.push(format!("{name} is missing"));
            continue;
        };
        if expected.shape() != found.shape() {
            check.differing.push(format!(
                "{name} has shape {:?} instead of {:?}",
                found.shape(),
                expected.shape()
            ));
            continue;
        }
        let pairs = expected.data().to_f64().into_iter();
        let pairs: Vec<(f64, f64)> = pairs.zip(found.data().to_f64()).collect();
        if expected.dtype().is_float() && found.dtype().is_float() {
            let (error, relative) = errors(&pairs);
            check.max_abs_err = check.max_abs_err.max(error);
            check.max_rel_err = check.max_rel_err.max(relative);
        } else {
            let different = pairs.iter().filter(|(a, b)| a != b).count();
            if different > 0 {
                let count = pairs.len();
                check
                    .differing
                    .push(format!("{different} of {count} {name} are others"));
            }
        }
    }
    check.within = check.differing.is_empty() && check.max_rel_err <= check.tolerance;
    check
}

/// The largest difference of two rows of numbers, and that relative to the largest magnitude of the first
/// row; of an all-zero row, the difference itself.
fn errors(pairs: &[(f64, f64)]) -> (f64, f64) {
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let error = largest(&mut pairs.iter().map(|(a, b)| (a - b).abs()));
    let scale = largest(&mut pairs.iter().map(|(a, _)| a.abs()));
    (error, if scale > 0.0 { error / scale } else { error })
}

/// Names and specs as one line of JSON, then the elements of one tensor after the other.
fn write(path: &Path, outputs: &[Named]) -> anyhow::Result<()> {
    let specs: Vec<(&str, TensorSpec)> = outputs
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.spec()))
        .collect();
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut file, &specs)?;
    file.write_all(b"\n")?;
    for (_, tensor) in outputs {
        file.write_all(tensor.data().as_bytes())?;
    }
    Ok(file.flush()?)
}

fn read(path: &Path) -> anyhow::Result<Vec<Named>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut specs = String::new();
    file.read_line(&mut specs)?;
    let specs: Vec<(String, TensorSpec)> = serde_json::from_str(&specs)?;
    let mut outputs = Vec::with_capacity(specs.len());
    for (name, spec) in specs {
        let shape = spec.shape.known().context("a shape is not known")?;
        let elements = spec.shape.elements().context("a shape is absurd")?;
        let mut bytes = vec![0; elements * spec.dtype.size()];
        file.read_exact(&mut bytes)?;
        let data = HostData::from_bytes(spec.dtype, &bytes);
        outputs.push((name, HostTensor::new(shape, data)?));
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(name: &str, values: &[f32]) -> Named {
        let data = HostData::F32(values.to_vec());
        (
            name.to_owned(),
            HostTensor::new([values.len()], data).unwrap(),
        )
    }

    fn i64s(name: &str, values: &[i64]) -> Named {
        let data = HostData::I64(values.to_vec());
        (
            name.to_owned(),
            HostTensor::new([values.len()], data).unwrap(),
        )
    }

    fn compared(expected: &[Named], found: &[Named]) -> ReferenceCheck {
        let reference = Reference {
            file: PathBuf::new(),
            run: "first".to_owned(),
            backend: "b".to_owned(),
            device: Device::Cpu,
        };
        compare(&reference, expected, found, DType::F32)
    }

    #[test]
    fn errors_are_relative_to_the_largest_magnitude() {
        let check = compared(
            &[f32s("x", &[0.0, -200.0]), f32s("y", &[1.0])],
            &[f32s("x", &[0.01, -200.0]), f32s("y", &[1.0])],
        );
        assert!((check.max_abs_err - 0.01).abs() < 1e-9);
        assert!((check.max_rel_err - 5e-5).abs() < 1e-9);
        assert!(check.within);
        let check = compared(&[f32s("x", &[1.0])], &[f32s("x", &[1.001])]);
        assert!(!check.within);
        let check = compared(&[f32s("x", &[0.0])], &[f32s("x", &[1e-3])]);
        assert!((check.max_rel_err - 1e-3).abs() < 1e-9 && !check.within);
    }

    #[test]
    fn whole_numbers_must_be_equal() {
        let check = compared(&[i64s("labels", &[1, 2])], &[i64s("labels", &[1, 3])]);
        assert_eq!(check.differing, ["1 of 2 labels are others"]);
        assert_eq!((check.max_abs_err, check.within), (0.0, false));
        assert!(compared(&[i64s("n", &[7])], &[i64s("n", &[7])]).within);
    }

    #[test]
    fn other_shapes_and_missing_outputs_are_said() {
        let check = compared(
            &[f32s("boxes", &[1.0, 2.0]), f32s("scores", &[1.0])],
            &[f32s("boxes", &[1.0])],
        );
        assert!(!check.within);
        assert_eq!(
            check.differing,
            ["boxes has shape [1] instead of [2]", "scores is missing"]
        );
    }

    #[test]
    fn outputs_survive_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new").join("outputs");
        let outputs = [
            f32s("x", &[1.5, f32::MIN_POSITIVE]),
            i64s("n", &[-1]),
            f32s("none", &[]),
        ];
        write(&file, &outputs).unwrap();
        assert_eq!(read(&file).unwrap(), outputs);
        fs::write(&file, "[[\"x\",{\"dtype\":\"f32\",\"shape\":[9]}]]\nab").unwrap();
        assert!(read(&file).is_err());
    }
}
