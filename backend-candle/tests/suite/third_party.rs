//! Operators and kernels of another crate, which this test is.
use anyhow::Context;
use candle_core::Tensor;
use nongemm_candle::{Candle, CandleBackend, register_kernel};
use nongemm_core::conformance::options;
use nongemm_core::dtype::DType;
use nongemm_core::graph::{GraphBuilder, LowerError};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::{Cost, Op, OpGroup, OpTraits};
use nongemm_core::plugin::{Backend, NoWeights, PrepareError};
use nongemm_core::shape::{ShapeError, TensorSpec};
use nongemm_core::tensor::{HostData, HostTensor};
use serde::Serialize;

/// Returns its input; `NAME` tells the operators apart.
#[derive(Debug, Serialize)]
struct Foreign<const NAME: usize> {}

impl<const NAME: usize> Op for Foreign<NAME> {
    fn name(&self) -> &'static str {
        ["squared", "unknown", "unheard_of"][NAME]
    }

    fn group(&self) -> OpGroup {
        OpGroup::Other
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        Ok(vec![x.clone()])
    }

    fn cost(&self, _: &[TensorSpec], _: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl Eval<Candle> for Foreign<0> {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs.first().context("takes an input")?;
        Ok([x.sqr()?].into_iter().collect())
    }
}

register_kernel!(Foreign<0>);

fn vector() -> TensorSpec {
    TensorSpec::new(DType::F32, [2])
}

#[test]
fn a_foreign_kernel_runs() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", vector()).unwrap();
    let y = g.one(Foreign::<0> {}, &[x]).unwrap();
    g.output("y", y);
    let mut session = CandleBackend
        .prepare(&g.finish(), &NoWeights, &options("reference"))
        .unwrap();
    session
        .bind(&[HostTensor::new([2], HostData::F32(vec![2.0, -3.0])).unwrap()])
        .unwrap();
    let clock = Monotonic::new();
    let mut recorder = Recorder::new(&clock, Mode::Timing, 1);
    session.run(&mut recorder).unwrap();
    recorder.check_closure().unwrap();
    let (name, y) = session.outputs().unwrap().remove(0);
    assert_eq!(
        (name.as_str(), y.data()),
        ("y", &HostData::F32(vec![4.0, 9.0]))
    );
}

#[test]
fn operators_without_kernel_are_all_listed() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", vector()).unwrap();
    let x = g.one(Foreign::<1> {}, &[x]).unwrap();
    let x = g.one(Foreign::<0> {}, &[x]).unwrap();
    let x = g.one(Foreign::<2> {}, &[x]).unwrap();
    let x = g.one(Foreign::<1> {}, &[x]).unwrap();
    g.output("x", x);
    let result = CandleBackend.prepare(&g.finish(), &NoWeights, &options("reference"));
    let Err(PrepareError::Lower(LowerError::Unsupported(missing))) = result else {
        panic!("operators without kernels cannot be prepared");
    };
    let listed: Vec<(&str, usize)> = missing.iter().map(|m| (m.op.as_str(), m.count)).collect();
    assert_eq!(listed, [("unheard_of", 1), ("unknown", 2)]);
}
