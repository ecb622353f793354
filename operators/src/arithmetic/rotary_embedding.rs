//! `rotary_embedding`: positions as rotations, which the reference implementation writes out in seven calls.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Eager, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::arithmetic::{add, mul, neg};
use crate::check::{elementwise, ensure, operands, rank, same_float};
use crate::memory::{cat, slice};

/// `rotary_embedding(x, cos, sin) = x cos + rotate(x) sin` for heads `x[batch, heads, tokens, width]` and
/// tables `[1 or batch, 1, tokens, width]`, where `rotate` puts the negated second half of each row before
/// the first half (Su et al. 2021, <https://arxiv.org/abs/2104.09864>), as Hugging Face's
/// `apply_rotary_pos_emb`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotaryEmbedding {}

impl Op for RotaryEmbedding {
    fn name(&self) -> &'static str {
        "rotary_embedding"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x, cos, sin] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        rank(x, "input", 4)?;
        ensure(x.size(-1)? % 2 == 0, || {
            format!("rows of {x} do not have two halves")
        })?;
        ensure(cos.shape == sin.shape, || {
            format!("tables must have one shape, got {cos} and {sin}")
        })?;
        let (shape, dtype) = operands(&[x.clone(), cos.clone()], None)?;
        // The result is as large as `x`.
        elementwise(shape, dtype, inputs, true)
    }

    /// Two products and a sum per element; half of the elements are negated.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let negations = outputs.first().map_or(0, TensorSpec::elements) / 2;
        let mut cost = Cost::elementwise(3, inputs, outputs);
        cost.flops = cost.flops.saturating_add(negations);
        cost
    }

    fn eager(&self) -> Eager {
        Eager::Parts
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let &[x, cos, sin] = inputs else { return None };
        Some(parts(g, x, cos, sin).map(|value| vec![value]))
    }
}

/// The calls of the reference, in its order.
fn parts(g: &mut GraphBuilder, x: Value, cos: Value, sin: Value) -> Result<Value, BuildError> {
    let width = g.spec(x).size(-1);
    let width = width.map_err(|e| BuildError::config(format!("rotary_embedding: {e}")))?;
    let half = i64::try_from(width / 2).unwrap_or(i64::MAX);
    let straight = mul(g, x, cos)?;
    let first = slice(g, x, 3, 0, Some(half))?;
    let second = slice(g, x, 3, half, None)?;
    let second = neg(g, second)?;
    let turned = cat(g, &[second, first], -1)?;
    let turned = mul(g, turned, sin)?;
    add(g, straight, turned)
}

impl OpDef for RotaryEmbedding {
    const NAMES: &'static [&'static str] = &["rotary_embedding"];

    fn cases() -> Vec<OpCase> {
        let (shared, own): (&[usize], &[usize]) = (&[1, 1, 3, 4], &[2, 1, 3, 4]);
        let case =
            |name, tables| OpCase::new(name, RotaryEmbedding {}, [&[2, 2, 3, 4], tables, tables]);
        vec![case("shared-tables", shared), case("own-tables", own)]
    }
}

register_op!(RotaryEmbedding);

/// Adds a [`RotaryEmbedding`].
///
/// # Errors
/// When the tables do not fit the input, or its rows have no halves.
pub fn rotary_embedding(
    g: &mut GraphBuilder,
    x: Value,
    cos: Value,
    sin: Value,
) -> Result<Value, BuildError> {
    g.one(RotaryEmbedding {}, &[x, cos, sin])
}
