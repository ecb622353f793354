//! `_unique2`: the different values of a tensor.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, output};

/// The values that occur, once each, in rising order. Two more outputs, where PyTorch can count
/// the occurrences, are empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unique {}

impl Op for Unique {
    fn name(&self) -> &'static str {
        "_unique2"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().dynamic()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        ensure(x.dtype == DType::I64, || {
            format!("takes i64 tensors, got {x}")
        })?;
        let values = output(DType::I64, Shape::new([Dim::symbol("unique")]))?;
        let nothing = output(DType::I64, [0])?;
        Ok(vec![values, nothing.clone(), nothing])
    }

    /// `n log2 n` comparisons, to sort `n` elements.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let n = inputs.first().map_or(0, TensorSpec::elements);
        let flops = n.saturating_mul(u64::from(n.max(1).ilog2()));
        Cost::streaming(flops, inputs, outputs)
    }
}

impl OpDef for Unique {
    const NAMES: &'static [&'static str] = &["_unique2"];

    fn cases() -> Vec<OpCase> {
        let case = OpCase::new("plain", Unique {}, [&[12]]);
        vec![case.input(0, DType::I64, &[12], Values::Below(6))]
    }
}

register_op!(Unique);

/// Adds a [`Unique`]; returns the values.
///
/// # Errors
/// When the input is not `i64`.
pub fn unique(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    match g.add(Unique {}, &[x])?.as_slice() {
        &[values, ..] => Ok(values),
        [] => Err(BuildError::config("unique has three outputs")),
    }
}
