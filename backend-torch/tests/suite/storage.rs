//! Operators say truly where their outputs are: which share the memory of operands, and which write over
//! them.

use nongemm_core::conformance::{cases, options};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{GraphBuilder, Init};
use nongemm_core::kernel::{Engine, Kernels};
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::op::{OpCase, Storage};
use nongemm_core::plugin::{Backend, Device, NoWeights};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};

use nongemm_operators::{self as ops, Binary, BinaryKind, Transpose};
use nongemm_torch::{Eager, Script, Tensor, Torch};

fn memory(tensor: &Tensor) -> Option<(usize, usize)> {
    let start = tensor.data_ptr() as usize;
    let reach: i64 = tensor
        .size()
        .iter()
        .zip(tensor.stride())
        .map(|(n, s)| (n - 1).max(0) * s)
        .sum();
    let empty = tensor.numel() == 0;
    (!empty).then(|| {
        (
            start,
            start + (reach as usize + 1) * tensor.kind().elt_size_in_bytes(),
        )
    })
}

fn overlap(a: &Tensor, b: &Tensor) -> bool {
    match (memory(a), memory(b)) {
        (Some(a), Some(b)) => a.0 < b.1 && b.0 < a.1,
        _ => false,
    }
}

/// What an operator does that its storage does not say.
fn lies(case: &OpCase, kernels: &Kernels<Torch>) -> Vec<String> {
    let specs: Vec<TensorSpec> = case.inputs.iter().map(|input| input.spec.clone()).collect();
    let Some(kernel) = kernels.find(case.op.as_ref(), &specs) else {
        return Vec::new();
    };
    let engine = Torch::new(Device::Cpu);
    let host = case.tensors().unwrap();
    let inputs: Vec<Tensor> = host
        .iter()
        .map(|x| engine.upload(x.clone()).unwrap())
        .collect();
    let operands: Vec<&Tensor> = inputs.iter().collect();
    let outputs = kernel(case.op.as_ref(), &engine, &operands).unwrap();
    let storage = case.op.storage();
    let mut lies = Vec::new();
    for (position, (before, input)) in host.iter().zip(&inputs).enumerate() {
        let written = engine.download(input).unwrap() != *before;
        let shares = outputs.iter().any(|output| overlap(output, input));
        let may_write = storage == Storage::Written(position);
        // A part of what is written is an operand of `copy_` too.
        let may_share = matches!(storage, Storage::Shared | Storage::Written(_));
        if written && !may_write {
            lies.push(format!("{} writes over operand {position}", case.id()));
        }
        if shares && !may_share {
            lies.push(format!(
                "{} shares the memory of operand {position}",
                case.id()
            ));
        }
        if may_write && !shares && !before.data().is_empty() {
            lies.push(format!(
                "{} does not write over operand {position}",
                case.id()
            ));
        }
    }
    lies
}

#[test]
fn operators_say_what_they_share_and_write_over() {
    let kernels = Kernels::collect().unwrap();
    let lies: Vec<String> = cases()
        .unwrap()
        .iter()
        .flat_map(|case| lies(case, &kernels))
        .collect();
    assert!(lies.is_empty(), "{lies:#?}");
}

const ADD_OVER: Binary = Binary {
    kind: BinaryKind::Add,
    scalar: Some(1.0),
    inplace: true,
};

/// Each run starts from what was bound, though the graph adds to its input through a view.
#[test]
fn inputs_that_are_written_over_come_back_before_the_next_run() {
    let mut g = GraphBuilder::new(DType::F32);
    let x = g.input("x", TensorSpec::new(DType::F32, [2, 2])).unwrap();
    let view = g.one(Transpose { dim0: 0, dim1: 1 }, &[x]).unwrap();
    let y = g.one(ADD_OVER, &[view]).unwrap();
    let y = ops::relu(&mut g, y).unwrap();
    g.output("y", y);
    let graph = g.finish();
    let backends: [&dyn Backend; 2] = [&Eager, &Script];
    for backend in backends {
        let mut session = backend
            .prepare(&graph, &NoWeights, &options("reference"))
            .unwrap();
        let x = HostTensor::new([2, 2], HostData::F32(vec![1.0, 2.0, 3.0, 4.0])).unwrap();
        session.bind(&[x]).unwrap();
        let clock = Monotonic::new();
        for _ in 0..3 {
            let steps = session.steps().len();
            session
                .run(&mut Recorder::new(&clock, Mode::Timing, steps))
                .unwrap();
            let expected = HostData::F32(vec![2.0, 4.0, 3.0, 5.0]);
            assert_eq!(
                *session.outputs().unwrap()[0].1.data(),
                expected,
                "{}",
                backend.id()
            );
        }
    }
}

#[test]
fn a_parameter_is_never_written_over() {
    let mut g = GraphBuilder::new(DType::F32);
    let w = g.param("w", [2, 2], Init::around(0.0, 1.0)).unwrap();
    let y = g.scope("block", |g| g.one(ADD_OVER, &[w])).unwrap();
    g.output("y", y);
    let error = Eager
        .prepare(&g.finish(), &NoWeights, &options("reference"))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "add in block writes over parameter w, which the next run reads; let it write over a clone"
    );
}
