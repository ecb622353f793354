//! Composite operators, fused and in parts.

use crate::common::{TOLERANCE, cases, graph, prepare, run};
use nongemm_core::op::{Eager, OpCase};
use nongemm_core::plugin::Backend;

fn steps(case: &OpCase, composites: &str) -> Vec<String> {
    let session = prepare(&graph(case), composites).unwrap();
    session.steps().iter().map(|step| step.op.clone()).collect()
}

fn composites() -> Vec<OpCase> {
    cases()
        .into_iter()
        .filter(|case| steps(case, "parts") != [case.op.name()])
        .collect()
}

#[test]
fn parts_equal_the_fused_kernel() {
    let composites = composites();
    assert!(!composites.is_empty());
    for case in &composites {
        let (fused, parts) = (run(case, "fused").unwrap(), run(case, "parts").unwrap());
        for (fused, parts) in fused.outputs.iter().zip(&parts.outputs) {
            assert_eq!(fused.spec(), parts.spec(), "{}", case.id());
            for (a, b) in fused.data().to_f64().into_iter().zip(parts.data().to_f64()) {
                let close = (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
                assert!(close, "{}: fused {a}, parts {b}", case.id());
            }
        }
    }
}

#[test]
fn the_reference_runs_parts_and_fused_runs_one_kernel() {
    let named = |case: &&OpCase| case.op.name() == "new_gelu";
    let cases = cases();
    let case = cases.iter().find(named).unwrap();
    assert_eq!(case.op.eager(), Eager::Module);
    let inputs: Vec<_> = case.inputs.iter().map(|input| input.spec.clone()).collect();
    assert!(nongemm_candle::CandleBackend.has_kernel(case.op.as_ref(), &inputs));
    assert_eq!(steps(case, "fused"), ["new_gelu"]);
    let parts = ["mul", "pow", "mul", "add", "mul", "tanh", "add", "mul"];
    assert_eq!(steps(case, "reference"), parts);
}
