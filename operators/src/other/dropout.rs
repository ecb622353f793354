//! `dropout`: nothing, in inference.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// Returns its input, as dropout does outside training. The reference dispatches the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Probability in training.
    pub p: f64,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Other
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        one(x.dtype, x.shape.clone())
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Dropout {
    const NAMES: &'static [&'static str] = &["dropout"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("plain", Dropout { p: 0.1 }, [&[2, 3]])]
    }
}

register_op!(Dropout);

/// Adds a [`Dropout`].
///
/// # Errors
/// Never for a single tensor.
pub fn dropout(g: &mut GraphBuilder, x: Value, p: f64) -> Result<Value, BuildError> {
    g.one(Dropout { p }, &[x])
}
