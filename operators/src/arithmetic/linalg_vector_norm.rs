//! `linalg_vector_norm`: the length of vectors.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::arithmetic::{Reduce, ReduceKind, mul, sqrt, sum};
use crate::check::{ensure, float};

/// `linalg_vector_norm(x) = √Σx²` over dimensions: the Euclidean norm, the only order that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinalgVectorNorm {
    /// The order: 2.
    pub ord: f64,
    /// The dimensions of the vectors; negative counts from the end, none means all.
    #[serde(default)]
    pub dim: Vec<i64>,
    /// Whether reduced dimensions stay, with size 1.
    #[serde(default)]
    pub keepdim: bool,
}

impl Op for LinalgVectorNorm {
    fn name(&self) -> &'static str {
        "linalg_vector_norm"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().reduction().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        float(x)?;
        ensure(self.ord == 2.0, || {
            format!("ord {} is not known; known: 2", self.ord)
        })?;
        let reduced = Reduce {
            kind: ReduceKind::Sum,
            dims: self.dim.clone(),
            keepdim: self.keepdim,
        };
        reduced.infer(inputs)
    }

    /// A square and a sum per element of the input, a root per element of the output.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = |specs: &[TensorSpec]| specs.first().map_or(0, TensorSpec::elements);
        let flops = 2 * elements(inputs) + elements(outputs);
        Cost::streaming(flops, inputs, outputs)
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let &[x] = inputs else { return None };
        Some(self.parts(g, x).map(|value| vec![value]))
    }
}

impl LinalgVectorNorm {
    fn parts(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let squares = mul(g, x, x)?;
        let sums = sum(g, squares, &self.dim, self.keepdim)?;
        sqrt(g, sums)
    }
}

impl OpDef for LinalgVectorNorm {
    const NAMES: &'static [&'static str] = &["linalg_vector_norm"];

    fn cases() -> Vec<OpCase> {
        let norm = |dim: &[i64], keepdim| LinalgVectorNorm {
            ord: 2.0,
            dim: dim.to_vec(),
            keepdim,
        };
        vec![
            OpCase::new("rows", norm(&[1], true), [&[2, 5]]),
            OpCase::new("last", norm(&[-1], false), [&[2, 3, 4]]),
            OpCase::new("every", norm(&[], false), [&[2, 3]]),
        ]
    }
}

register_op!(LinalgVectorNorm);

/// Adds the Euclidean [`LinalgVectorNorm`] over `dim`; none means all.
///
/// # Errors
/// When the input is not floating-point or a dimension does not exist.
pub fn linalg_vector_norm(
    g: &mut GraphBuilder,
    x: Value,
    dim: &[i64],
    keepdim: bool,
) -> Result<Value, BuildError> {
    let op = LinalgVectorNorm {
        ord: 2.0,
        dim: dim.to_vec(),
        keepdim,
    };
    g.one(op, &[x])
}
