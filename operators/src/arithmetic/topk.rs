//! `topk`: the largest elements.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, output};

/// The `k` largest elements of a dimension in falling order, and their positions: two outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topk {
    /// How many.
    pub k: usize,
    /// The dimension; negative counts from the end.
    pub dim: i64,
}

impl Op for Topk {
    fn name(&self) -> &'static str {
        "topk"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let axis = x.shape.axis(self.dim)?;
        let size = x.size(self.dim)?;
        ensure(self.k <= size, || {
            format!("{} elements cannot be chosen from {size}", self.k)
        })?;
        let mut shape = x.shape.clone();
        shape.dims_mut()[axis] = Dim::Known(self.k);
        Ok(vec![
            output(x.dtype, shape.clone())?,
            output(DType::I64, shape)?,
        ])
    }

    /// One comparison per element of the input, the least that selecting takes.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = inputs.first().map_or(0, TensorSpec::elements);
        Cost::streaming(elements, inputs, outputs)
    }
}

impl OpDef for Topk {
    const NAMES: &'static [&'static str] = &["topk"];

    fn cases() -> Vec<OpCase> {
        vec![
            OpCase::new("last", Topk { k: 4, dim: 1 }, [&[2, 9]]),
            OpCase::new("first", Topk { k: 2, dim: 0 }, [&[5, 3]]),
            OpCase::new("all", Topk { k: 6, dim: -1 }, [&[6]]),
        ]
    }
}

register_op!(Topk);

/// Adds a [`Topk`]; returns the elements and their positions.
///
/// # Errors
/// When the dimension has fewer elements or its size is not known.
pub fn topk(g: &mut GraphBuilder, x: Value, k: usize, dim: i64) -> Result<[Value; 2], BuildError> {
    match g.add(Topk { k, dim }, &[x])?.as_slice() {
        &[values, positions] => Ok([values, positions]),
        _ => Err(BuildError::config("topk has two outputs")),
    }
}
