//! `squared_relu(x) = max(x, 0)^2`.

use nongemm_candle::Candle;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::kernel::{Eval, Outputs, one};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::shape::{ShapeError, TensorSpec};
use nongemm_operators as ops;
use nongemm_ort::emit::{Emit, Emitter, Tensor};
use serde::{Deserialize, Serialize};

type Parts = Result<Vec<Value>, BuildError>;

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
        ShapeError::arity::<1>(inputs).map(|[x]| vec![x.clone()])
    }

    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(2, inputs, outputs)
    }

    fn decompose(&self, g: &mut GraphBuilder, x: &[Value]) -> Option<Parts> {
        let relu = ops::relu(g, x[0]);
        Some(relu.and_then(|y| Ok(vec![ops::mul(g, y, y)?])))
    }
}

impl OpDef for SquaredRelu {
    const NAMES: &'static [&'static str] = &["squared_relu"];

    fn cases() -> Vec<OpCase> {
        let case = OpCase::new("signs", SquaredRelu, [&[4]]).gives(&[&[0.0, 0.0, 0.25, 9.0]]);
        vec![case.values(0, Values::Given(&[-2.0, 0.0, 0.5, 3.0]))]
    }
}

nongemm_core::register_op!(SquaredRelu);

type Candles = Outputs<candle_core::Tensor>;

impl Eval<Candle> for SquaredRelu {
    fn eval(&self, _: &Candle, x: &[&candle_core::Tensor]) -> anyhow::Result<Candles> {
        Ok(one(x[0].relu()?.sqr()?))
    }
}

nongemm_candle::register_kernel!(SquaredRelu);

impl Emit for SquaredRelu {
    fn emit(&self, e: &mut Emitter, x: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let y = e.map("Relu", &x[0]);
        Ok(vec![e.zip("Mul", &y, &y)?])
    }
}

nongemm_ort::register_emit!(SquaredRelu);

#[cfg(feature = "torch")]
use nongemm_torch::{Tensor as Libtorch, Torch};

#[cfg(feature = "torch")]
impl Eval<Torch> for SquaredRelu {
    fn eval(&self, _: &Torch, x: &[&Libtorch]) -> anyhow::Result<Outputs<Libtorch>> {
        Ok(one(Libtorch(x[0].f_relu()?.f_square()?)))
    }
}

#[cfg(feature = "torch")]
nongemm_torch::register_kernel!(SquaredRelu);
