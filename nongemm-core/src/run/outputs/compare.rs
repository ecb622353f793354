//! Compares outputs with those of an earlier run, output by output and piece by piece.

use super::Reference;
use super::kept::Kept;
use crate::dtype::DType;
use crate::record::ReferenceCheck;
use crate::tensor::{HostData, HostTensor};

/// Elements that are compared at a time.
const PIECE: usize = 1 << 16;

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

/// A comparison by name. Floating-point outputs may be apart by the tolerance of the run's type, all others
/// must be equal.
pub(super) struct Comparison {
    expected: Kept,
    /// Which of them were compared.
    compared: Vec<bool>,
    check: ReferenceCheck,
}

impl Comparison {
    /// Nothing compared yet.
    pub(super) fn new(reference: &Reference, expected: Kept, dtype: DType) -> Self {
        Comparison {
            compared: vec![false; expected.entries().len()],
            expected,
            check: ReferenceCheck {
                backend: reference.backend.clone(),
                device: reference.device,
                run: reference.run.clone(),
                max_abs_err: 0.0,
                max_rel_err: 0.0,
                tolerance: tolerance(dtype),
                within: false,
                differing: Vec::new(),
            },
        }
    }

    /// Compares an output.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn add(&mut self, name: &str, found: &HostTensor) -> anyhow::Result<()> {
        let mut entries = self.expected.entries().iter();
        let Some(index) = entries.position(|entry| entry.name == name) else {
            self.differs(format!("{name} was no output"));
            return Ok(());
        };
        self.compared[index] = true;
        let expected = self.expected.entries()[index].spec.clone();
        let spec = found.spec();
        if expected.shape != spec.shape {
            let (found, expected) = (spec.shape, expected.shape);
            self.differs(format!("{name} has shape {found} instead of {expected}"));
            return Ok(());
        }
        let differences = differences(&mut self.expected, index, found.data())?;
        if expected.dtype.is_float() && spec.dtype.is_float() {
            let check = &mut self.check;
            check.max_abs_err = check.max_abs_err.max(differences.largest);
            check.max_rel_err = check.max_rel_err.max(differences.relative());
        } else if differences.count > 0 {
            let (different, count) = (differences.count, found.data().len());
            self.differs(format!("{different} of {count} {name} are others"));
        }
        Ok(())
    }

    fn differs(&mut self, how: String) {
        self.check.differing.push(how);
    }

    /// The result, once all outputs were compared.
    pub(super) fn finish(self) -> ReferenceCheck {
        let mut check = self.check;
        let entries = self.expected.entries().iter().zip(self.compared);
        let missing = entries.filter(|(_, compared)| !compared);
        check
            .differing
            .extend(missing.map(|(entry, _)| format!("{} is missing", entry.name)));
        check.within = check.differing.is_empty() && check.max_rel_err <= check.tolerance;
        check
    }
}

/// How two rows of numbers differ.
#[derive(Default)]
struct Differences {
    /// The largest difference.
    largest: f64,
    /// The largest magnitude that was expected.
    scale: f64,
    /// How many numbers differ.
    count: usize,
}

impl Differences {
    fn add(&mut self, expected: f64, found: f64) {
        self.largest = self.largest.max((expected - found).abs());
        self.scale = self.scale.max(expected.abs());
        self.count += usize::from(expected != found);
    }

    /// The largest difference relative to the largest magnitude; where all is zero, the difference itself.
    fn relative(&self) -> f64 {
        if self.scale > 0.0 {
            self.largest / self.scale
        } else {
            self.largest
        }
    }
}

fn differences(expected: &mut Kept, index: usize, found: &HostData) -> anyhow::Result<Differences> {
    let mut differences = Differences::default();
    let mut rest = found
        .as_bytes()
        .chunks(PIECE * found.dtype().size())
        .map(|bytes| HostData::from_bytes(found.dtype(), bytes).to_f64());
    expected.pieces(index, PIECE, &mut |piece| {
        let found = rest.next().unwrap_or_default();
        for (expected, found) in piece.to_f64().into_iter().zip(found) {
            differences.add(expected, found);
        }
    })?;
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use super::super::kept::Writer;
    use super::*;
    use crate::plugin::Device;

    type Named = (&'static str, HostTensor);

    fn f32s(name: &'static str, values: &[f32]) -> Named {
        let data = HostData::F32(values.to_vec());
        (name, HostTensor::new([values.len()], data).unwrap())
    }

    fn i64s(name: &'static str, values: &[i64]) -> Named {
        let data = HostData::I64(values.to_vec());
        (name, HostTensor::new([values.len()], data).unwrap())
    }

    fn compared(expected: &[Named], found: &[Named]) -> ReferenceCheck {
        let folder = tempfile::tempdir().unwrap();
        let reference = Reference {
            file: folder.path().join("outputs"),
            run: "first".to_owned(),
            backend: "b".to_owned(),
            device: Device::Cpu,
        };
        let mut writer = Writer::create(&reference.file).unwrap();
        for (name, tensor) in expected {
            writer.add(name, tensor).unwrap();
        }
        writer.finish().unwrap();
        let expected = Kept::open(&reference.file).unwrap();
        let mut comparison = Comparison::new(&reference, expected, DType::F32);
        for (name, tensor) in found {
            comparison.add(name, tensor).unwrap();
        }
        comparison.finish()
    }

    #[test]
    fn errors_are_relative_to_the_largest_magnitude() {
        let check = compared(
            &[f32s("x", &[0.0, -200.0]), f32s("y", &[1.0])],
            &[f32s("y", &[1.0]), f32s("x", &[0.01, -200.0])],
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
    fn the_last_of_many_pieces_counts() {
        let expected = vec![1.0; 2 * PIECE + 1];
        let mut found = expected.clone();
        found[2 * PIECE] = 1.5;
        let check = compared(&[f32s("x", &expected)], &[f32s("x", &found)]);
        assert_eq!((check.max_abs_err, check.within), (0.5, false));
        assert!(compared(&[f32s("x", &expected)], &[f32s("x", &expected)]).within);
    }

    #[test]
    fn other_shapes_and_other_outputs_are_said() {
        let check = compared(
            &[f32s("boxes", &[1.0, 2.0]), f32s("scores", &[1.0])],
            &[f32s("boxes", &[1.0]), f32s("masks", &[])],
        );
        assert!(!check.within);
        assert_eq!(
            check.differing,
            [
                "boxes has shape [1] instead of [2]",
                "masks was no output",
                "scores is missing"
            ]
        );
    }
}
