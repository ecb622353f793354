//! `sort`: elements in order.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::output;

/// The elements of a dimension in rising or falling order, and their positions: two outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// The dimension; negative counts from the end.
    pub dim: i64,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Op for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        x.shape.axis(self.dim)?;
        Ok(vec![
            output(x.dtype, x.shape.clone())?,
            output(DType::I64, x.shape.clone())?,
        ])
    }

    /// `n log2 n` comparisons for a dimension of `n` elements.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let flops = inputs.first().map_or(0, |x| {
            let size = x.size(self.dim).unwrap_or(0).max(1) as u64;
            x.elements().saturating_mul(u64::from(size.ilog2()))
        });
        Cost::streaming(flops, inputs, outputs)
    }
}

impl OpDef for Sort {
    const NAMES: &'static [&'static str] = &["sort"];

    fn cases() -> Vec<OpCase> {
        let op = |dim, descending| Sort { dim, descending };
        vec![
            OpCase::new("falling", op(-1, true), [&[2, 7]]),
            OpCase::new("rising", op(0, false), [&[6, 2]]),
            OpCase::new("none", op(0, true), [&[0]]),
        ]
    }
}

register_op!(Sort);

/// Adds a [`Sort`]; returns the elements and their positions.
///
/// # Errors
/// When the dimension does not exist.
pub fn sort(
    g: &mut GraphBuilder,
    x: Value,
    dim: i64,
    descending: bool,
) -> Result<[Value; 2], BuildError> {
    match g.add(Sort { dim, descending }, &[x])?.as_slice() {
        &[values, positions] => Ok([values, positions]),
        _ => Err(BuildError::config("sort has two outputs")),
    }
}
