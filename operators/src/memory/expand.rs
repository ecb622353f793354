//! `expand`: dimensions of size 1 repeated without a copy.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{invalid, one};

/// Repeats dimensions of size 1, and adds dimensions in front, without copying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expand {
    /// The new sizes; -1 keeps a size.
    pub size: Vec<i64>,
}

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let misfit = || {
            invalid(format!(
                "shape {} does not expand to {:?}",
                x.shape, self.size
            ))
        };
        let added = self
            .size
            .len()
            .checked_sub(x.shape.rank())
            .ok_or_else(misfit)?;
        let mut dims = Vec::with_capacity(self.size.len());
        for (i, &size) in self.size.iter().enumerate() {
            let old = i.checked_sub(added).map(|i| &x.shape.dims()[i]);
            dims.push(match (old, usize::try_from(size)) {
                (Some(old), Err(_)) if size == -1 => old.clone(),
                (Some(old), Ok(size)) if *old == Dim::Known(1) || *old == Dim::Known(size) => {
                    Dim::Known(size)
                }
                (None, Ok(size)) => Dim::Known(size),
                _ => return Err(misfit()),
            });
        }
        one(x.dtype, Shape::new(dims))
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Expand {
    const NAMES: &'static [&'static str] = &["expand"];

    fn cases() -> Vec<OpCase> {
        let expand = |size: &[i64]| Expand {
            size: size.to_vec(),
        };
        vec![
            OpCase::new("keep", expand(&[3, -1, 4]), [&[1, 2, 4]]),
            OpCase::new("prepend", expand(&[3, 2, 4]), [&[2, 1]]),
            OpCase::new("bool", expand(&[2, -1, 3, 4]), [&[1, 1, 3, 4]]).input(
                0,
                DType::Bool,
                &[1, 1, 3, 4],
                Values::Below(2),
            ),
        ]
    }
}

register_op!(Expand);

/// Adds an [`Expand`].
///
/// # Errors
/// When a dimension is neither 1 nor the new size.
pub fn expand(g: &mut GraphBuilder, x: Value, size: &[i64]) -> Result<Value, BuildError> {
    let size = size.to_vec();
    g.one(Expand { size }, &[x])
}
