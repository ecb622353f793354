//! Operators and kernels of another crate, which this test is.

use anyhow::Context;
use nongemm_core::conformance::options;
use nongemm_core::dtype::DType;
use nongemm_core::graph::{GraphBuilder, LowerError};
use nongemm_core::kernel::{Eval, Outputs, one};
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::{Cost, Op, OpGroup, OpTraits};
use nongemm_core::plugin::{Backend, NoWeights, PrepareError};
use nongemm_core::shape::{ShapeError, TensorSpec};
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_torch::{Eager, Tensor, Torch, register_kernel};
use serde::Serialize;

/// Squares its input.
#[derive(Debug, Serialize)]
struct Squared {}

/// Has no kernel.
#[derive(Debug, Serialize)]
struct Unknown {}

macro_rules! like_its_input {
    ($op:ty, $name:literal) => {
        impl Op for $op {
            fn name(&self) -> &'static str {
                $name
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
    };
}

like_its_input!(Squared, "squared");
like_its_input!(Unknown, "unknown");

impl Eval<Torch> for Squared {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs.first().context("takes an input")?;
        Ok(one(Tensor(x.f_square()?)))
    }
}

register_kernel!(Squared);

fn vector() -> TensorSpec {
    TensorSpec::new(DType::F32, [2])
}

#[test]
fn a_foreign_kernel_runs() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", vector()).unwrap();
    let y = g.one(Squared {}, &[x]).unwrap();
    g.output("y", y);
    let mut session = Eager
        .prepare(&g.finish(), &NoWeights, &options("reference"))
        .unwrap();
    let x = HostTensor::new([2], HostData::F32(vec![2.0, -3.0])).unwrap();
    session.bind(&[x]).unwrap();
    let clock = Monotonic::new();
    let mut recorder = Recorder::new(&clock, Mode::Timing, 1);
    session.run(&mut recorder).unwrap();
    recorder.check_closure().unwrap();
    let (name, y) = session.outputs().unwrap().remove(0);
    let expected = HostData::F32(vec![4.0, 9.0]);
    assert_eq!((name.as_str(), y.data()), ("y", &expected));
}

#[test]
fn operators_without_kernel_are_listed() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", vector()).unwrap();
    let x = g.one(Unknown {}, &[x]).unwrap();
    let x = g.one(Squared {}, &[x]).unwrap();
    let x = g.one(Unknown {}, &[x]).unwrap();
    g.output("x", x);
    let result = Eager.prepare(&g.finish(), &NoWeights, &options("reference"));
    let Err(PrepareError::Lower(LowerError::Unsupported(missing))) = result else {
        panic!("an operator without kernel cannot be prepared");
    };
    let listed: Vec<(&str, usize)> = missing.iter().map(|m| (m.op.as_str(), m.count)).collect();
    assert_eq!(listed, [("unknown", 2)]);
}
