//! `repeat`: a tensor copied several times along its dimensions.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, invalid, one};

/// `repeats[i]` copies side by side along dimension `i`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Copies along each dimension.
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
        ensure(self.repeats.len() == x.shape.rank(), || {
            format!("{} numbers of copies for {x}", self.repeats.len())
        })?;
        let mut shape = x.shape.clone();
        for (dim, &count) in shape.dims_mut().iter_mut().zip(&self.repeats) {
            *dim = match dim.known() {
                Some(size) => {
                    let size = size.checked_mul(count);
                    Dim::Known(size.ok_or_else(|| invalid("the result is too large"))?)
                }
                None if count == 1 => dim.clone(),
                None => Dim::symbol("repeat"),
            };
        }
        one(x.dtype, shape)
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
            OpCase::new("first", repeat(&[2, 1, 1]), [&[1, 3, 2]]),
            OpCase::new("both", repeat(&[2, 3]), [&[2, 2]]),
        ]
    }
}

register_op!(Repeat);

/// Adds a [`Repeat`].
///
/// # Errors
/// When there is not one number for each dimension.
pub fn repeat(g: &mut GraphBuilder, x: Value, repeats: &[usize]) -> Result<Value, BuildError> {
    let repeats = repeats.to_vec();
    g.one(Repeat { repeats }, &[x])
}
