//! The operator `my_plugin`: `max(x, 0)^2`, with a kernel for candle; other backends run its parts.

use candle_core::Tensor;
use nongemm_candle::{Candle, register_kernel};
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::kernel::{Eval, Outputs, one};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use nongemm_operators as ops;
use serde::{Deserialize, Serialize};

/// The operator; its attributes, if it has some, are fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MyPlugin {}

impl Op for MyPlugin {
    fn name(&self) -> &'static str {
        "my_plugin"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Activation
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand().non_linear()
    }

    /// Strict, and never panics.
    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        Ok(vec![x.clone()])
    }

    /// A comparison and a product for each element.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::elementwise(2, inputs, outputs)
    }

    fn decompose(
        &self,
        g: &mut GraphBuilder,
        x: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        let relu = ops::relu(g, x[0]);
        Some(relu.and_then(|y| Ok(vec![ops::mul(g, y, y)?])))
    }
}

impl OpDef for MyPlugin {
    const NAMES: &'static [&'static str] = &["my_plugin"];

    /// Example calls, with what the reference implementation gives.
    fn cases() -> Vec<OpCase> {
        let case = OpCase::new("signs", MyPlugin {}, [&[4]]);
        let case = case.values(0, Values::Given(&[-2.0, 0.0, 0.5, 3.0]));
        vec![case.gives(&[&[0.0, 0.0, 0.25, 9.0]])]
    }
}

register_op!(MyPlugin);

/// Adds the operator to a graph.
///
/// # Errors
/// Never for a single tensor.
pub fn my_plugin(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.one(MyPlugin {}, &[x])
}

impl Eval<Candle> for MyPlugin {
    fn eval(&self, _: &Candle, x: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        Ok(one(x[0].relu()?.sqr()?))
    }
}

register_kernel!(MyPlugin);

#[cfg(test)]
mod tests {
    use nongemm_core::conformance::{Verdict, of_crate};

    #[test]
    fn every_backend_that_is_linked_computes_it() {
        for report in of_crate(env!("CARGO_PKG_NAME")).unwrap() {
            assert_eq!(report.with(Verdict::Supported), ["my_plugin"], "{report}");
        }
    }
}
