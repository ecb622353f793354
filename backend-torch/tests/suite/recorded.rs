//! Calls of a run, run alone.

use std::collections::BTreeMap;

use nongemm_core::conformance::options;
use nongemm_core::dtype::DType;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::{Attrs, OpInstance};
use nongemm_core::plugin::{Backend, PrepareError, Session, Step};
use nongemm_core::shape::TensorSpec;

use nongemm_torch::{Compile, Eager, Script};

use crate::file::{archives, prepare};

fn alone(step: &Step) -> Result<Box<dyn Session>, PrepareError> {
    let call = OpInstance {
        op: step.op.clone(),
        attrs: step.attrs.clone(),
        inputs: step.inputs.clone(),
    };
    // Through text, as records are.
    let text = serde_json::to_string(&call).unwrap();
    let call = serde_json::from_str(&text).unwrap();
    Eager.prepare_call(step.vocabulary, &call, &options("reference"))
}

/// The operator, attributes and operands are those of the record again; what cannot be told from it is
/// refused with the reason.
#[test]
fn every_call_of_a_run_runs_alone_or_is_refused() {
    let clock = Monotonic::new();
    let mut refused = BTreeMap::new();
    let mut ran = 0;
    for name in ["bert", "idioms", "loop", "unusual"] {
        let file = archives().join(format!("{name}.pt"));
        let session = prepare(&Eager, &file).unwrap();
        for step in session.steps() {
            let mut alone = match alone(step) {
                Ok(alone) => alone,
                Err(error) => {
                    refused.insert(step.op.clone(), error.to_string());
                    continue;
                }
            };
            alone
                .run(&mut Recorder::new(&clock, Mode::Off, 0))
                .unwrap_or_else(|error| panic!("{}: {error:#}", step.op));
            let again = &alone.steps()[0];
            assert_eq!(alone.steps().len(), 1, "{}", step.op);
            assert_eq!(
                (&again.op, &again.inputs, &again.attrs),
                (&step.op, &step.inputs, &step.attrs)
            );
            ran += 1;
        }
    }
    assert!(ran > 20, "{ran}");
    for (op, reason) in &refused {
        assert!(
            !reason.contains('\n') && reason.contains(op.as_str()),
            "{reason}"
        );
    }
    // Which dimensions were indexed is not in the record.
    let ops: Vec<&str> = refused.keys().map(String::as_str).collect();
    assert_eq!(ops, ["index"], "{refused:#?}");
}

/// Rows of a traced graph, whose attributes are those of the graph's nodes.
#[test]
fn rows_of_the_graph_run_alone() {
    let clock = Monotonic::new();
    let call = |op: &str, attrs: serde_json::Value, inputs: usize| OpInstance {
        op: op.to_owned(),
        attrs: serde_json::from_value::<Attrs>(attrs).unwrap(),
        inputs: vec![TensorSpec::new(DType::F32, [4, 8]); inputs],
    };
    let calls = [
        call(
            "relu_",
            serde_json::json!({"kind": "relu", "inplace": true}),
            1,
        ),
        call("add", serde_json::json!({"kind": "add"}), 2),
        call("mul", serde_json::json!({"kind": "mul", "scalar": 0.5}), 1),
        call("softmax", serde_json::json!({"dim": -1}), 1),
    ];
    let in_place = Eager.prepare_call("aten", &calls[0], &options("reference"));
    assert!(
        in_place.unwrap().restores_inputs(),
        "relu_ writes over its operand"
    );
    for call in calls {
        let session = Script.prepare_call("aten", &call, &options("reference"));
        let mut session = session.unwrap_or_else(|error| panic!("{}: {error}", call.op));
        session
            .run(&mut Recorder::new(&clock, Mode::Off, 0))
            .unwrap();
        let step = &session.steps()[0];
        assert_eq!((&step.op, session.steps().len()), (&call.op, 1));
    }
}

#[test]
fn what_no_schema_takes_is_refused() {
    let reason = |backend: &dyn Backend, vocabulary: &str, op: &str, attrs: serde_json::Value| {
        let call = OpInstance {
            op: op.to_owned(),
            attrs: serde_json::from_value::<Attrs>(attrs).unwrap(),
            inputs: Vec::new(),
        };
        let prepared = backend.prepare_call(vocabulary, &call, &options("reference"));
        prepared.err().unwrap().to_string()
    };
    let none = serde_json::json!({});
    let said = reason(&Script, "onnx", "Relu", none.clone());
    assert_eq!(
        said,
        "backend torch:script runs no onnx operators alone (Relu)"
    );
    let said = reason(&Compile, "aten", "sotfmax", none.clone());
    assert_eq!(said, "libtorch has no operator aten::sotfmax");
    let said = reason(
        &Eager,
        "aten",
        "softmax",
        serde_json::json!({"dim": "last"}),
    );
    assert!(
        said.starts_with("no schema of aten::softmax takes 0 tensors"),
        "{said}"
    );
}
