//! The cases in the other floating-point types that models run in.

use nongemm_core::dtype::DType;
use nongemm_core::op::{OpCase, Values};
use nongemm_operators::golden;

use crate::common::{cases, deviation, run, stored};

/// Operators whose result jumps where inputs are rounded, or whose case holds a number that only `f32`
/// can (`where`).
const ROUNDED: &[&str] = &["argmax", "ceil", "floor", "max", "min", "to", "where"];

/// The case with its `f32` inputs in another type; nothing if it has none, or the operator does not
/// take that type.
fn in_dtype(mut case: OpCase, dtype: DType) -> Option<OpCase> {
    let mut changed = false;
    for input in &mut case.inputs {
        if input.spec.dtype == DType::F32 && matches!(input.values, Values::Range(..)) {
            input.spec.dtype = dtype;
            changed = true;
        }
    }
    let specs: Vec<_> = case.inputs.iter().map(|input| input.spec.clone()).collect();
    (changed && case.op.infer(&specs).is_ok()).then_some(case)
}

fn all_cases_run(dtype: DType, tolerance: f64) {
    let mut failures = Vec::new();
    for case in cases().into_iter().filter_map(|case| in_dtype(case, dtype)) {
        let id = case.id();
        let run = match run(&case, "fused") {
            Ok(run) => run,
            Err(error) => {
                failures.push(format!("{id}: {error:#}"));
                continue;
            }
        };
        let inferred: Vec<_> = run.inferred.iter().map(|spec| stored(spec.dtype)).collect();
        let found: Vec<_> = run.outputs.iter().map(|output| output.dtype()).collect();
        if inferred != found {
            failures.push(format!("{id}: inferred {inferred:?}, got {found:?}"));
        }
        for (expected, found) in golden::outputs(&id).unwrap().iter().zip(&run.outputs) {
            let error = deviation(expected, found);
            if error > tolerance && !ROUNDED.contains(&case.op.name()) {
                failures.push(format!("{id}: off by {error:.1e}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn f64() {
    all_cases_run(DType::F64, 1e-4);
}

#[test]
fn f16() {
    all_cases_run(DType::F16, 1e-2);
}

#[test]
fn bf16() {
    all_cases_run(DType::BF16, 8e-2);
}
