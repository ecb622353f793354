//! `nonzero`: the positions of elements that are not 0.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// The positions of elements that are not 0, in row-major order: a row for each, a column for each
/// dimension. The data decide the number of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nonzero {}

impl Op for Nonzero {
    fn name(&self) -> &'static str {
        "nonzero"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear().dynamic()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let columns = Dim::Known(x.shape.rank());
        one(DType::I64, Shape::new([Dim::symbol("nonzero"), columns]))
    }

    /// One comparison per element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = inputs.first().map_or(0, TensorSpec::elements);
        Cost::streaming(elements, inputs, outputs)
    }
}

impl OpDef for Nonzero {
    const NAMES: &'static [&'static str] = &["nonzero"];

    fn cases() -> Vec<OpCase> {
        let case = |name, dtype, shape: &[usize]| {
            OpCase::new(name, Nonzero {}, [shape]).input(0, dtype, shape, Values::Below(2))
        };
        vec![
            case("mask", DType::Bool, &[7]),
            case("matrix", DType::I64, &[3, 4]),
        ]
    }
}

register_op!(Nonzero);

/// Adds a [`Nonzero`].
///
/// # Errors
/// Never for a single tensor.
pub fn nonzero(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(Nonzero {}, &[x])
}
