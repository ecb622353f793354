//! `repeat`: copies side by side.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{invalid, one};

/// Puts copies side by side along each dimension; dimensions in front may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// How often each dimension of the result repeats the input's.
    pub repeats: Vec<usize>,
}

impl Op for Repeat {
    fn name(&self) -> &'static str {
        "repeat"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let misfit = || invalid(format!("{x} cannot be repeated {:?} times", self.repeats));
        let added = self.repeats.len().checked_sub(x.shape.rank());
        let added = added.ok_or_else(misfit)?;
        let mut dims = Vec::with_capacity(self.repeats.len());
        for (i, &times) in self.repeats.iter().enumerate() {
            let old = i.checked_sub(added).map(|i| &x.shape.dims()[i]);
            dims.push(match (old, times) {
                (None, times) => Dim::Known(times),
                (Some(old), 1) => old.clone(),
                (Some(Dim::Known(size)), times) => {
                    Dim::Known(size.checked_mul(times).ok_or_else(misfit)?)
                }
                (Some(Dim::Symbol(_)), _) => Dim::symbol("repeat"),
            });
        }
        one(x.dtype, Shape::new(dims))
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Repeat {
    const NAMES: &'static [&'static str] = &["repeat"];

    fn cases() -> Vec<OpCase> {
        let repeat = |repeats: &[usize]| Repeat {
            repeats: repeats.to_vec(),
        };
        vec![
            OpCase::new("rows", repeat(&[2, 1, 1]), [&[1, 3, 4]]),
            OpCase::new("new-dimension", repeat(&[2, 1, 3]), [&[2, 2]]),
        ]
    }
}

register_op!(Repeat);

/// Adds a [`Repeat`].
///
/// # Errors
/// When there are fewer repeats than dimensions.
pub fn repeat(g: &mut GraphBuilder, x: Value, repeats: &[usize]) -> Result<Value, BuildError> {
    let repeats = repeats.to_vec();
    g.one(Repeat { repeats }, &[x])
}
