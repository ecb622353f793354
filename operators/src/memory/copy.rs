//! `copy_`: a part of a tensor written.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one, same_dtype};

/// Writes a source over a part of a tensor. PyTorch's call takes a view of the part and the source;
/// a graph, whose values never change, takes the whole as a third input and returns it changed:
/// `copy_(part, source, whole)`. Kernels may write over `whole`, and read no element of `part`.
///
/// The part is `whole.select(dim, index)`, of whose other dimensions the first elements are written, as
/// many as the source has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyInto {
    /// The dimension that is selected from; negative counts from the end.
    pub dim: i64,
    /// The position there.
    pub index: usize,
}

impl Op for CopyInto {
    fn name(&self) -> &'static str {
        "copy_"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn storage(&self) -> Storage {
        Storage::Written(2)
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [part, source, whole] = ShapeError::arity(inputs)?;
        same_dtype(inputs)?;
        let axis = whole.shape.axis(self.dim)?;
        let selected = whole.shape.dims()[axis].known();
        ensure(selected.is_some_and(|size| self.index < size), || {
            format!(
                "position {} is outside dimension {axis} of {whole}",
                self.index
            )
        })?;
        let rest = Shape::new(without(whole.shape.dims(), axis));
        let fits = |(part, all): (&Dim, &Dim)| match (part, all) {
            (Dim::Known(part), Dim::Known(all)) => part <= all,
            _ => part == all,
        };
        let inside =
            part.shape.rank() == rest.rank() && part.shape.dims().iter().zip(rest.dims()).all(fits);
        ensure(inside && source.shape == part.shape, || {
            format!("{source} cannot be written over {part}, a part of {whole}")
        })?;
        one(whole.dtype, whole.shape.clone())
    }

    /// The source is read and written.
    fn cost(&self, inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        let bytes = inputs.get(1).map_or(0, TensorSpec::bytes);
        Cost {
            flops: 0,
            bytes: bytes.saturating_mul(2),
        }
    }
}

fn without(dims: &[Dim], axis: usize) -> impl Iterator<Item = Dim> {
    let kept = dims.iter().enumerate().filter(move |(i, _)| *i != axis);
    kept.map(|(_, dim)| dim.clone())
}

impl OpDef for CopyInto {
    const NAMES: &'static [&'static str] = &["copy_"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new(
                "column",
                CopyInto { dim: 1, index: 2 },
                [&[5], &[5], &[5, 4]],
            ),
            OpCase::new(
                "corner",
                CopyInto { dim: 0, index: 1 },
                [&[3, 4, 5], &[3, 4, 5], &[2, 3, 6, 8]],
            ),
        ]
    }
}

register_op!(CopyInto);

/// Adds the view that a [`CopyInto`] writes, and the [`CopyInto`]; returns the whole.
///
/// # Errors
/// When the source does not fit.
pub fn write(
    g: &mut GraphBuilder,
    whole: Value,
    dim: i64,
    index: usize,
    source: Value,
) -> Result<Value, BuildError> {
    let position = i64::try_from(index).map_err(|_| BuildError::config("position too large"))?;
    let mut part = super::select(g, whole, dim, position)?;
    let (has, wanted) = (g.spec(part).shape.clone(), g.spec(source).shape.clone());
    for (axis, (has, wanted)) in has.dims().iter().zip(wanted.dims()).enumerate() {
        if let (Some(has), Some(wanted)) = (has.known(), wanted.known())
            && wanted < has
        {
            part = super::slice(g, part, axis as i64, 0, Some(wanted as i64))?;
        }
    }
    g.one(CopyInto { dim, index }, &[part, source, whole])
}
