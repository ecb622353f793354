//! What is said when libtorch refuses a call.

use nongemm_core::conformance::options;
use nongemm_core::dtype::DType;
use nongemm_core::graph::GraphBuilder;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::Op;
use nongemm_core::plugin::{Backend, NoWeights};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_operators::{Embedding, IndexSelect};
use nongemm_torch::Eager;

/// Runs a look-up of row 9 of 3 in a scope, and returns the message.
fn message(op: impl Op) -> String {
    let mut g = GraphBuilder::new(DType::F32);
    let table = g
        .input("table", TensorSpec::new(DType::F32, [3, 2]))
        .unwrap();
    let rows = g.input("rows", TensorSpec::new(DType::I64, [1])).unwrap();
    let y = g
        .scope("decoder", |g| {
            g.scope("words", |g| g.one(op, &[table, rows]))
        })
        .unwrap();
    g.output("y", y);
    let mut session = Eager
        .prepare(&g.finish(), &NoWeights, &options("reference"))
        .unwrap();
    let table = HostTensor::new([3, 2], HostData::F32(vec![0.0; 6])).unwrap();
    let rows = HostTensor::new([1], HostData::I64(vec![9])).unwrap();
    session.bind(&[table, rows]).unwrap();
    let clock = Monotonic::new();
    let error = session
        .run(&mut Recorder::new(&clock, Mode::Off, 1))
        .unwrap_err();
    format!("{error:#}")
}

#[test]
fn a_refused_call_is_named_with_its_inputs_and_scope() {
    let found = message(Embedding {});
    let call = "embedding(f32[3, 2], i64[1]) in decoder.words: ";
    let reason = found
        .strip_prefix(call)
        .unwrap_or_else(|| panic!("{found}"));
    assert!(reason.contains("index out of range"), "{reason}");
    let found = message(IndexSelect { dim: 0 });
    let call = "index_select(f32[3, 2], i64[1]) in decoder.words: ";
    assert!(found.starts_with(call), "{found}");
}

#[test]
fn messages_are_one_line_without_backtrace() {
    for found in [message(Embedding {}), message(IndexSelect { dim: 0 })] {
        assert!(!found.contains('\n'), "{found}");
        assert!(!found.contains("frame #"), "{found}");
    }
}
