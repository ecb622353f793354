//! `one_hot`: numbers of classes as rows with a single 1.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};
use crate::made::usual_but;

/// For each number a row of `num_classes` elements (a new last dimension) that are 0, but for a 1 at the
/// number's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    /// Elements of a row.
    pub num_classes: usize,
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        let classes = u32::try_from(self.num_classes).unwrap_or(u32::MAX);
        usual_but(inputs, 0, Values::Below(classes))
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        ensure(x.dtype == DType::I64, || {
            format!("numbers of classes must be i64, got {x}")
        })?;
        ensure(self.num_classes > 0, || {
            "there must be at least one class".to_owned()
        })?;
        let mut shape = x.shape.clone();
        shape.dims_mut().push(Dim::Known(self.num_classes));
        one(DType::I64, shape)
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, inputs, outputs)
    }
}

impl OpDef for OneHot {
    const NAMES: &'static [&'static str] = &["one_hot"];

    fn cases() -> Vec<OpCase> {
        let op = OneHot { num_classes: 5 };
        vec![OpCase::new("matrix", op, [&[3, 2]]).input(0, DType::I64, &[3, 2], Values::Below(5))]
    }
}

register_op!(OneHot);

/// Adds a [`OneHot`].
///
/// # Errors
/// When the numbers are not `i64`.
pub fn one_hot(g: &mut GraphBuilder, x: Value, num_classes: usize) -> Result<Value, BuildError> {
    g.one(OneHot { num_classes }, &[x])
}
