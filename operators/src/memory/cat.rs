//! `cat`: tensors joined along a dimension.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{arity, invalid, one, same_dtype};

/// Joins tensors of one type along a dimension; the other dimensions agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cat {
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for Cat {
    fn name(&self) -> &'static str {
        "cat"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [first, rest @ ..] = inputs else {
            return Err(arity("at least 1", inputs));
        };
        same_dtype(inputs)?;
        let axis = first.shape.axis(self.dim)?;
        let mut joined = first.shape.dims()[axis].clone();
        for x in rest {
            let misfit = || invalid(format!("{first} and {x} cannot be joined along {axis}"));
            ensure_like(first, x, axis).map_err(|()| misfit())?;
            joined = joined.sum(&x.shape.dims()[axis]).ok_or_else(misfit)?;
        }
        let mut shape = first.shape.clone();
        shape.dims_mut()[axis] = joined;
        one(first.dtype, shape)
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Cat {
    const NAMES: &'static [&'static str] = &["cat"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("first", Cat { dim: 0 }, [&[1, 3], &[2, 3]]),
            OpCase::new("middle", Cat { dim: 1 }, [&[2, 1, 3], &[2, 4, 3]]),
            OpCase::new("three", Cat { dim: -1 }, [&[2, 1], &[2, 2], &[2, 3]]),
        ]
    }
}

register_op!(Cat);

/// Whether the shapes agree but for one dimension.
fn ensure_like(a: &TensorSpec, b: &TensorSpec, axis: usize) -> Result<(), ()> {
    let (a, b) = (a.shape.dims(), b.shape.dims());
    let others = a
        .iter()
        .zip(b)
        .enumerate()
        .all(|(i, (a, b))| i == axis || a == b);
    if a.len() == b.len() && others {
        Ok(())
    } else {
        Err(())
    }
}

/// Adds a [`Cat`].
///
/// # Errors
/// When types or other dimensions differ.
pub fn cat(g: &mut GraphBuilder, inputs: &[Value], dim: i64) -> Result<Value, BuildError> {
    g.one(Cat { dim }, inputs)
}
