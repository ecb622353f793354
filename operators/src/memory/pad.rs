//! `pad`: a constant around the edges.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, invalid, one};

/// Adds a constant at the edges, or cuts the edges off where an amount is negative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// Amounts before and after, in pairs, for the last dimension first.
    pub pad: Vec<i64>,
    /// The constant.
    #[serde(default, with = "crate::scalar")]
    pub value: f64,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        ensure(
            self.pad.len().is_multiple_of(2) && self.pad.len() / 2 <= x.shape.rank(),
            || {
                format!(
                    "{} amounts do not make pairs for the dimensions of {x}",
                    self.pad.len()
                )
            },
        )?;
        let mut shape = x.shape.clone();
        for (dim, pair) in shape
            .dims_mut()
            .iter_mut()
            .rev()
            .zip(self.pad.chunks_exact(2))
        {
            let Some(size) = dim.known() else {
                if pair != [0, 0] {
                    *dim = Dim::symbol("pad");
                }
                continue;
            };
            let cut = |amount: i64| amount.min(0).unsigned_abs() as u128;
            let padded = pair
                .iter()
                .fold(size as i128, |sum, &amount| sum + i128::from(amount));
            let cuts_fit = cut(pair[0]) + cut(pair[1]) <= size as u128;
            let padded = usize::try_from(padded).ok().filter(|_| cuts_fit);
            *dim = Dim::Known(
                padded.ok_or_else(|| invalid(format!("amounts {:?} do not fit {x}", self.pad)))?,
            );
        }
        one(x.dtype, shape)
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for Pad {
    const NAMES: &'static [&'static str] = &["pad"];

    fn cases() -> Vec<OpCase> {
        let pad = |pad: &[i64], value| Pad {
            pad: pad.to_vec(),
            value,
        };
        vec![
            OpCase::new("last", pad(&[1, 2], 0.0), [&[2, 3]]),
            OpCase::new(
                "channels-last",
                pad(&[0, 0, 0, 1, 2, 0], 0.5),
                [&[1, 2, 3, 2]],
            ),
            OpCase::new("crop", pad(&[-1, 1], 0.0), [&[2, 3]]),
        ]
    }
}

register_op!(Pad);

/// Adds a [`Pad`].
///
/// # Errors
/// When the amounts do not fit.
pub fn pad(g: &mut GraphBuilder, x: Value, pad: &[i64], value: f64) -> Result<Value, BuildError> {
    let pad = pad.to_vec();
    g.one(Pad { pad, value }, &[x])
}
