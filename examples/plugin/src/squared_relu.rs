//! `squared_relu(x) = max(x, 0)^2`.

use candle_core::Tensor;
use nongemm_candle::{Candle, register_kernel};
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::kernel::{Eval, Outputs, one};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use nongemm_operators as ops;
use serde::{Deserialize, Serialize};

/// The activation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SquaredRelu;

impl Op for SquaredRelu {
    fn name(&self) -> &'static str {
        "squared_relu"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Activation
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        Ok(vec![x.clone()])
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(2, inputs, outputs)
    }

    fn decompose(&self, g: &mut GraphBuilder, x: &[Value]) -> Option<Result<Vec<Value>, BuildError>> {
        let parts = |g: &mut GraphBuilder| {
            let y = ops::relu(g, x[0])?;
            Ok(vec![ops::mul(g, y, y)?])
        };
        Some(parts(g))
    }
}

impl OpDef for SquaredRelu {
    const NAMES: &'static [&'static str] = &["squared_relu"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("vector", SquaredRelu, [&[7]])]
    }
}

register_op!(SquaredRelu);

impl Eval<Candle> for SquaredRelu {
    fn eval(&self, _: &Candle, x: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        Ok(one(x[0].relu()?.sqr()?))
    }
}

register_kernel!(SquaredRelu);
