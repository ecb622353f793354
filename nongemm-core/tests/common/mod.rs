//! A tiny engine, a few operators and a clock that tests control.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses another part of this module"
)]

use std::cell::Cell;
use std::rc::Rc;

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Param, Value};
use nongemm_core::kernel::{Engine, Eval, KernelEntry, Outputs};
use nongemm_core::measure::Clock;
use nongemm_core::op::{Cost, Eager, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::plugin::WeightSource;
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use nongemm_core::tensor::{HostData, HostTensor};
use serde::{Deserialize, Serialize};

macro_rules! op {
    ($type:ident, $name:literal, $group:ident, $eager:ident, $outputs:expr, $infer:expr, $decompose:expr) => {
        #[derive(Debug, Serialize, Deserialize)]
        pub struct $type;
        impl Op for $type {
            fn name(&self) -> &'static str {
                $name
            }
            fn group(&self) -> OpGroup {
                OpGroup::$group
            }
            fn traits(&self) -> OpTraits {
                OpTraits::NONE
            }
            fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
                let infer: fn(&[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> = $infer;
                infer(inputs)
            }
            fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
                Cost::elementwise(1, inputs, outputs)
            }
            fn eager(&self) -> Eager {
                Eager::$eager
            }
            fn decompose(
                &self,
                g: &mut GraphBuilder,
                inputs: &[Value],
            ) -> Option<Result<Vec<Value>, BuildError>> {
                type Parts =
                    fn(&mut GraphBuilder, &[Value]) -> Option<Result<Vec<Value>, BuildError>>;
                let parts: Parts = $decompose;
                parts(g, inputs)
            }
        }
        impl OpDef for $type {
            const NAMES: &'static [&'static str] = &[$name];
            fn cases() -> Vec<OpCase> {
                let case = OpCase::new("case", $type, [&[2], &[2]]);
                let case = case.values(0, Values::Given(&[1.0, -3.0]));
                let mut case = case.values(1, Values::Given(&[1.0, 1.0]));
                case.inputs
                    .truncate(if $name == "test_add" { 2 } else { 1 });
                vec![case.gives($outputs)]
            }
        }
        register_op!($type);
    };
}

fn same(inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
    let [x] = ShapeError::arity(inputs)?;
    Ok(vec![x.clone()])
}

op!(
    Add,
    "test_add",
    Arithmetic,
    Kernel,
    &[&[2.0, -2.0]],
    |inputs| {
        let [a, b] = ShapeError::arity(inputs)?;
        Ok(vec![a.with_shape(a.shape.broadcast(&b.shape)?)])
    },
    |_, _| None
);
// x + x: a module in the reference, so that its part is counted with it.
op!(
    Double,
    "test_double",
    Activation,
    Module,
    &[&[2.0, -6.0]],
    same,
    |g, x| Some(g.add(Add, &[x[0], x[0]]))
);
// 4x: written out in the reference; its parts are composites themselves.
op!(
    Quadruple,
    "test_quadruple",
    Mixed,
    Parts,
    &[&[4.0, -12.0]],
    same,
    |g, x| {
        let parts = |g: &mut GraphBuilder| {
            let twice = g.one(Double, &[x[0]])?;
            g.add(Double, &[twice])
        };
        Some(parts(g))
    }
);
// Keeps the positive elements: how many, only the data decide.
op!(
    Positive,
    "test_positive",
    Roi,
    Kernel,
    &[&[1.0]],
    |inputs| {
        let [x] = ShapeError::arity(inputs)?;
        Ok(vec![TensorSpec::new(
            x.dtype,
            nongemm_core::shape::Shape::new([Dim::symbol("kept")]),
        )])
    },
    |_, _| None
);
// No kernel, no parts.
op!(
    Mystery,
    "test_mystery",
    Other,
    Kernel,
    &[&[0.0, 0.0]],
    same,
    |_, _| None
);

/// Tensors are shared vectors; `live` counts those that the engine made and that still exist.
#[derive(Default)]
pub struct Toy {
    pub live: Rc<Cell<isize>>,
    pub peak: Rc<Cell<isize>>,
    /// How far off a kernel is; infinitely far is a panic.
    pub off: f32,
}

pub struct Counted {
    pub values: Vec<f32>,
    live: Rc<Cell<isize>>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live.set(self.live.get() - 1);
    }
}

impl Toy {
    fn make(&self, values: Vec<f32>) -> Rc<Counted> {
        self.live.set(self.live.get() + 1);
        self.peak.set(self.peak.get().max(self.live.get()));
        Rc::new(Counted {
            values,
            live: self.live.clone(),
        })
    }
}

impl Engine for Toy {
    type Tensor = Rc<Counted>;

    fn upload(&self, tensor: HostTensor) -> anyhow::Result<Self::Tensor> {
        match tensor.into_data() {
            HostData::F32(values) => Ok(self.make(values)),
            other => anyhow::bail!("toy engine has no {}", other.dtype()),
        }
    }

    fn download(&self, tensor: &Self::Tensor) -> anyhow::Result<HostTensor> {
        HostTensor::new(
            vec![tensor.values.len()],
            HostData::F32(tensor.values.clone()),
        )
    }

    fn spec(tensor: &Self::Tensor) -> TensorSpec {
        TensorSpec::new(DType::F32, [tensor.values.len()])
    }

    fn synchronize(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn kernels() -> Vec<&'static KernelEntry<Self>> {
        static ADD: KernelEntry<Toy> = KernelEntry::of::<Add>("test");
        static DOUBLE: KernelEntry<Toy> = KernelEntry::of::<Double>("test");
        static POSITIVE: KernelEntry<Toy> = KernelEntry::of::<Positive>("test");
        vec![&ADD, &DOUBLE, &POSITIVE]
    }
}

fn one<T>(value: T) -> Outputs<T> {
    Outputs::from_buf([value])
}

impl Eval<Toy> for Add {
    fn eval(&self, toy: &Toy, x: &[&Rc<Counted>]) -> anyhow::Result<Outputs<Rc<Counted>>> {
        let pairs = x[0].values.iter().zip(&x[1].values);
        Ok(one(toy.make(pairs.map(|(a, b)| a + b).collect())))
    }
}

impl Eval<Toy> for Double {
    fn eval(&self, toy: &Toy, x: &[&Rc<Counted>]) -> anyhow::Result<Outputs<Rc<Counted>>> {
        assert!(toy.off.is_finite(), "too far off");
        let doubled = x[0].values.iter().map(|a| 2.0 * a + toy.off);
        Ok(one(toy.make(doubled.collect())))
    }
}

impl Eval<Toy> for Positive {
    fn eval(&self, toy: &Toy, x: &[&Rc<Counted>]) -> anyhow::Result<Outputs<Rc<Counted>>> {
        anyhow::ensure!(x[0].values.iter().all(|a| a.is_finite()), "not a number");
        let kept = x[0].values.iter().copied().filter(|a| *a > 0.0).collect();
        Ok(one(toy.make(kept)))
    }
}

/// Every parameter is all ones.
pub struct Ones;

impl WeightSource for Ones {
    fn describe(&self) -> String {
        "ones".to_owned()
    }

    fn verify(&self, _: &nongemm_core::graph::Graph) -> anyhow::Result<()> {
        Ok(())
    }

    fn load(&self, _: &Param, spec: &TensorSpec) -> anyhow::Result<HostTensor> {
        let shape = spec.shape.known().unwrap_or_default();
        let count = shape.iter().product();
        HostTensor::new(shape, HostData::F32(vec![1.0; count]))
    }
}

/// A clock that only moves when it is told to.
#[derive(Default)]
pub struct Scripted(pub Cell<u64>);

impl Scripted {
    pub fn advance(&self, ns: u64) {
        self.0.set(self.0.get() + ns);
    }
}

impl Clock for Scripted {
    fn now(&self) -> u64 {
        self.0.get()
    }
}
