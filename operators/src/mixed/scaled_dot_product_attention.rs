//! `scaled_dot_product_attention`: attention in one call.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::arithmetic::{add, le, mul_scalar};
use crate::check::{arity, ensure, matrix, one, same_dim, same_float};
use crate::gemm::matmul;
use crate::logit::softmax;
use crate::memory::{arange, transpose, unsqueeze, where_scalar, zeros};

/// `softmax(query keyᵀ scale + mask) value` over `query[..., l, e]`, `key[..., s, e]`,
/// `value[..., s, v]`.
///
/// The fourth input, if there is one, is a mask that broadcasts to `[..., l, s]`: floating-point,
/// added, or bool, true where positions take part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledDotProductAttention {
    /// Factor of the scores; `1 / √e` if it is not named.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::scalar::option"
    )]
    pub scale: Option<f64>,
    /// Whether position `i` of the queries sees positions 0 to `i` of the keys only.
    #[serde(default)]
    pub is_causal: bool,
}

impl Op for ScaledDotProductAttention {
    fn name(&self) -> &'static str {
        "scaled_dot_product_attention"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Mixed
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.non_linear().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let (tensors, mask) = match inputs {
            [tensors @ .., mask] if tensors.len() == 3 => (tensors, Some(mask)),
            _ => (inputs, None),
        };
        let [query, key, value] = tensors else {
            return Err(arity("3 or 4", inputs));
        };
        same_float(tensors)?;
        let (batch_q, rows, width) = matrix(query)?;
        let (batch_k, length, width_k) = matrix(key)?;
        let (batch_v, length_v, columns) = matrix(value)?;
        same_dim("widths of query and key", width, width_k)?;
        same_dim("lengths of key and value", length, length_v)?;
        ensure(batch_q == batch_k && batch_q == batch_v, || {
            format!("batch dimensions of {query}, {key} and {value} must agree")
        })?;
        let with = |last: &[&Dim]| Shape::new(batch_q.iter().chain(last.iter().copied()).cloned());
        if let Some(mask) = mask {
            ensure(!self.is_causal, || {
                "takes a mask or is causal, not both".to_owned()
            })?;
            ensure(
                mask.dtype == DType::Bool || mask.dtype == query.dtype,
                || format!("mask must be bool or {}, got {mask}", query.dtype),
            )?;
            let scores = with(&[rows, length]);
            ensure(mask.shape.broadcast(&scores)? == scores, || {
                format!("mask {mask} does not broadcast to {scores}")
            })?;
        }
        one(query.dtype, with(&[rows, columns]))
    }

    /// `2 l s e` and `2 l s v` for the products, 5 for each score's softmax and 1 for its scaling.
    /// The scores are not counted as memory traffic.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let size =
            |i: usize, axis| inputs.get(i).and_then(|x| x.size(axis).ok()).unwrap_or(0) as u64;
        let rows = inputs.first().map_or(0, TensorSpec::elements) / size(0, -1).max(1);
        let scores = rows.saturating_mul(size(1, -2));
        let per_score = 2 * size(0, -1) + 2 * size(2, -1) + 6;
        Cost::streaming(scores.saturating_mul(per_score), inputs, outputs)
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let &[query, key, value, ref mask @ ..] = inputs else {
            return None;
        };
        let mask = mask.first().copied();
        Some(
            self.parts(g, [query, key, value], mask)
                .map(|value| vec![value]),
        )
    }
}

impl ScaledDotProductAttention {
    fn parts(
        &self,
        g: &mut GraphBuilder,
        [query, key, value]: [Value; 3],
        mask: Option<Value>,
    ) -> Result<Value, BuildError> {
        let size = |g: &GraphBuilder, value, axis| {
            let size = g.spec(value).size(axis);
            size.map_err(|e| BuildError::config(format!("scaled_dot_product_attention: {e}")))
        };
        let scale = match self.scale {
            Some(scale) => scale,
            None => 1.0 / (size(g, query, -1)? as f64).sqrt(),
        };
        let keys = transpose(g, key, -2, -1)?;
        let scores = matmul(g, query, keys)?;
        let mut scores = mul_scalar(g, scores, scale)?;
        let mask = match mask {
            None if self.is_causal => {
                let (rows, length) = (size(g, query, -2)?, size(g, key, -2)?);
                Some(causal_mask(g, rows, length)?)
            }
            mask => mask,
        };
        if let Some(mask) = mask {
            let mask = additive(g, mask, query)?;
            scores = add(g, scores, mask)?;
        }
        let weights = softmax(g, scores, -1)?;
        matmul(g, weights, value)
    }
}

/// A mask `[rows, length]` that is true where the column is not after the row.
fn causal_mask(g: &mut GraphBuilder, rows: usize, length: usize) -> Result<Value, BuildError> {
    let rows = arange(g, rows)?;
    let rows = unsqueeze(g, rows, 1)?;
    let columns = arange(g, length)?;
    le(g, columns, rows)
}

/// A bool mask as one to add: 0 where it is set, else minus infinity.
fn additive(g: &mut GraphBuilder, mask: Value, like: Value) -> Result<Value, BuildError> {
    if g.spec(mask).dtype != DType::Bool {
        return Ok(mask);
    }
    let dtype = g.spec(like).dtype;
    let zero = zeros(g, &[], dtype)?;
    where_scalar(g, mask, zero, f64::NEG_INFINITY)
}

impl OpDef for ScaledDotProductAttention {
    const NAMES: &'static [&'static str] = &["scaled_dot_product_attention"];

    fn cases() -> Vec<OpCase> {
        let plain = ScaledDotProductAttention {
            scale: None,
            is_causal: false,
        };
        let causal = ScaledDotProductAttention {
            scale: Some(0.5),
            is_causal: true,
        };
        let (long, short): (&[usize], &[usize]) = (&[2, 3, 5, 4], &[2, 3, 4, 4]);
        vec![
            OpCase::new("plain", plain.clone(), [short, long, long]),
            OpCase::new("causal", causal, [long, long, long]),
            OpCase::new("mask", plain.clone(), [short, long, long, &[2, 1, 4, 5]]),
            OpCase::new("narrow-value", plain, [&[1, 3, 4], &[1, 5, 4], &[1, 5, 2]]),
        ]
    }
}

register_op!(ScaledDotProductAttention);

/// Adds a [`ScaledDotProductAttention`] with the usual scale and no causal mask.
///
/// # Errors
/// When the shapes do not fit.
pub fn scaled_dot_product_attention(
    g: &mut GraphBuilder,
    query: Value,
    key: Value,
    value: Value,
    mask: Option<Value>,
) -> Result<Value, BuildError> {
    let op = ScaledDotProductAttention {
        scale: None,
        is_causal: false,
    };
    let inputs: Vec<Value> = [query, key, value].into_iter().chain(mask).collect();
    g.one(op, &inputs)
}
