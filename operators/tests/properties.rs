//! Shape inference and costs survive any attributes and inputs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nongemm_core::dtype::DType;
use nongemm_core::op::{Attrs, OpCase, OpRegistry};
use nongemm_core::shape::{Dim, Shape, TensorSpec};
use nongemm_operators as _;
use proptest::prelude::*;
use proptest::test_runner::TestRng;
use serde_json::Value;

fn dim() -> impl Strategy<Value = Dim> {
    prop_oneof![
        8 => (0usize..6).prop_map(Dim::Known),
        1 => prop::sample::select(vec![usize::MAX, 1 << 62, 1 << 40, 1 << 31]).prop_map(Dim::Known),
        1 => prop::sample::select(vec!["n", "m"]).prop_map(Dim::symbol),
    ]
}

fn spec() -> impl Strategy<Value = TensorSpec> {
    let dtype = prop_oneof![
        4 => Just(DType::F32),
        3 => prop::sample::select(DType::ALL.to_vec()),
    ];
    (dtype, prop::collection::vec(dim(), 0..6))
        .prop_map(|(dtype, dims)| TensorSpec::new(dtype, Shape::new(dims)))
}

fn integer(rng: &mut TestRng) -> Value {
    let extremes = [i64::MIN, i64::MAX, i64::MIN + 1, 1 << 40, -(1 << 40)];
    match rng.random_range(0..10) {
        0 => extremes[rng.random_range(0..extremes.len())].into(),
        1 => u64::MAX.into(),
        _ => rng.random_range(-3i64..6).into(),
    }
}

/// Another value of the same kind.
fn mutate(value: &mut Value, rng: &mut TestRng) {
    match value {
        Value::Number(n) if n.is_f64() => {
            let floats = [0.0, 1.0, -1.5, 1e300, -1e300, f64::MIN_POSITIVE];
            *value = floats[rng.random_range(0..floats.len())].into();
        }
        Value::Number(_) => *value = integer(rng),
        Value::Bool(b) => *b = rng.random(),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| mutate(item, rng));
            match rng.random_range(0..6) {
                0 => items.push(integer(rng)),
                1 => drop(items.pop()),
                _ => {}
            }
        }
        _ => {}
    }
}

fn mutated(case: &OpCase, rng: &mut TestRng) -> Attrs {
    let mut attrs = case.op.attrs();
    for (_, value) in &mut attrs {
        if rng.random_range(0..3) > 0 {
            mutate(value, rng);
        }
    }
    attrs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn infer_never_panics(
        random in prop::collection::vec(spec(), 0..6),
        keep in any::<bool>(),
        rng in any::<u64>().no_shrink().prop_perturb(|_, rng| rng),
    ) {
        let mut rng = rng;
        let registry = OpRegistry::collect().unwrap();
        for case in registry.cases() {
            let Ok(op) = registry.read(case.op.name(), &mutated(&case, &mut rng)) else {
                continue;
            };
            let mut inputs: Vec<TensorSpec> = case.inputs.iter().map(|x| x.spec.clone()).collect();
            if keep {
                // The case's own inputs, some of them replaced.
                for (input, other) in inputs.iter_mut().zip(&random) {
                    if rng.random_range(0..3) == 0 {
                        *input = other.clone();
                    }
                }
            } else {
                inputs.clone_from(&random);
            }
            let result = catch_unwind(AssertUnwindSafe(|| {
                let outputs = op.infer(&inputs)?;
                let known = |specs: &[TensorSpec]| {
                    specs.iter().all(|s| s.shape.elements().is_some_and(|n| n < 1 << 48))
                };
                if known(&inputs) && known(&outputs) {
                    op.cost(&inputs, &outputs);
                }
                Ok::<_, nongemm_core::shape::ShapeError>(())
            }));
            prop_assert!(result.is_ok(), "{op:?} on {inputs:?}");
        }
    }
}
