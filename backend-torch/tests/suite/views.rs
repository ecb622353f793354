//! Views alias and what works in place writes over its input, as in PyTorch.

use nongemm_core::conformance::options;
use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::kernel::{Engine, Eval};
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::plugin::{Backend, Device, NoWeights};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_operators::{
    Activation, ActivationKind, Binary, BinaryKind, Chunk, CloneTensor, Contiguous, Expand,
    Flatten, Hardtanh, Identity, IdentityKind, Permute, Reshape, Select, Slice, Split, Squeeze, To,
    Transpose, Unary, UnaryKind, Unsqueeze, View,
};
use nongemm_torch::{Tensor, Torch};

fn engine() -> Torch {
    Torch::new(Device::Cpu)
}

/// `[2, 3, 4]` with elements 0 to 23.
fn tensor() -> Tensor {
    let data = HostData::F32((0..24u8).map(f32::from).collect());
    let host = HostTensor::new([2, 3, 4], data).unwrap();
    engine().upload(host).unwrap()
}

/// The first output of a kernel.
fn first(op: &impl Eval<Torch>, x: &Tensor) -> Tensor {
    op.eval(&engine(), &[x]).unwrap()[0].clone()
}

fn aliases(op: &impl Eval<Torch>, x: &Tensor) -> bool {
    first(op, x).data_ptr() == x.data_ptr()
}

#[test]
fn views_share_the_memory_of_their_input() {
    let x = tensor();
    assert!(aliases(&View { size: vec![6, -1] }, &x));
    assert!(aliases(&Reshape { shape: vec![-1, 4] }, &x));
    assert!(aliases(
        &Flatten {
            start_dim: 0,
            end_dim: 1
        },
        &x
    ));
    assert!(aliases(&Transpose { dim0: 0, dim1: -1 }, &x));
    assert!(aliases(
        &Permute {
            dims: vec![2, 0, 1]
        },
        &x
    ));
    assert!(aliases(&Unsqueeze { dim: 1 }, &x));
    assert!(aliases(&Squeeze { dim: None }, &x));
    assert!(aliases(
        &Expand {
            size: vec![5, -1, -1, -1]
        },
        &x
    ));
    assert!(aliases(&Select { dim: 1, index: 0 }, &x));
    assert!(aliases(
        &Split {
            split_size: 2,
            dim: 2
        },
        &x
    ));
    assert!(aliases(&Chunk { chunks: 2, dim: 0 }, &x));
    let slice = Slice {
        dim: 0,
        start: 0,
        end: Some(1),
        step: 1,
    };
    assert!(aliases(&slice, &x));
    for kind in [
        IdentityKind::Alias,
        IdentityKind::LiftFresh,
        IdentityKind::Detach,
    ] {
        for inplace in [false, true] {
            assert!(aliases(&Identity { kind, inplace }, &x));
        }
    }
    // Nothing to do.
    assert!(aliases(&Contiguous {}, &x));
    assert!(aliases(&To { dtype: DType::F32 }, &x));
}

#[test]
fn copies_do_not() {
    let x = tensor();
    let transposed = first(&Transpose { dim0: 0, dim1: 2 }, &x);
    assert!(!aliases(&CloneTensor {}, &x));
    assert!(!aliases(&Contiguous {}, &transposed));
    assert!(!aliases(&Reshape { shape: vec![-1] }, &transposed));
    assert!(!aliases(&To { dtype: DType::F64 }, &x));
}

#[test]
fn a_view_of_memory_that_does_not_allow_it_is_an_error() {
    let transposed = first(&Transpose { dim0: 0, dim1: 2 }, &tensor());
    let view = View { size: vec![-1] };
    assert!(view.eval(&engine(), &[&transposed]).is_err());
}

#[test]
fn what_works_in_place_is_seen_through_a_view() {
    let x = tensor();
    let transposed = first(&Transpose { dim0: 0, dim1: 2 }, &x);
    let neg = Unary {
        kind: UnaryKind::Neg,
        inplace: true,
    };
    assert!(aliases(&neg, &transposed));
    assert_eq!(x.double_value(&[1, 2, 3]), -23.0);
    let relu = Activation {
        kind: ActivationKind::Relu,
        inplace: true,
    };
    assert!(aliases(&relu, &transposed));
    assert_eq!(x.double_value(&[1, 2, 3]), 0.0);
    let scalar = |kind, number| Binary {
        kind,
        scalar: Some(number),
        inplace: true,
    };
    assert!(aliases(&scalar(BinaryKind::Add, 7.5), &x));
    assert!(aliases(&scalar(BinaryKind::Mul, 2.0), &x));
    assert!(aliases(&scalar(BinaryKind::Sub, 3.0), &x));
    assert!(aliases(&scalar(BinaryKind::Div, 4.0), &x));
    assert_eq!(transposed.double_value(&[3, 2, 1]), 3.0);
    let relu6 = Hardtanh {
        min_val: 0.0,
        max_val: 1.0,
        inplace: true,
    };
    assert!(aliases(&relu6, &x));
    let add = Binary {
        kind: BinaryKind::Add,
        scalar: None,
        inplace: true,
    };
    let doubled = add.eval(&engine(), &[&x, &x]).unwrap();
    assert_eq!(doubled[0].data_ptr(), x.data_ptr());
    assert_eq!(transposed.double_value(&[3, 2, 1]), 2.0);
}

#[test]
fn what_does_not_work_in_place_leaves_its_input() {
    let x = tensor();
    assert!(!aliases(
        &Unary {
            kind: UnaryKind::Neg,
            inplace: false
        },
        &x
    ));
    let relu = ActivationKind::Relu;
    assert!(!aliases(
        &Activation {
            kind: relu,
            inplace: false
        },
        &x
    ));
    assert_eq!(x.double_value(&[1, 2, 3]), 23.0);
}

/// In a graph too: a node in place after a view changes what the view's base reads.
#[test]
fn aliases_hold_in_a_session() {
    fn build(g: &mut GraphBuilder) -> Result<Value, BuildError> {
        let x = g.input("x", TensorSpec::new(DType::F32, [2, 2]))?;
        let copy = g.one(CloneTensor {}, &[x])?;
        let view = g.one(Transpose { dim0: 0, dim1: 1 }, &[copy])?;
        g.one(
            Unary {
                kind: UnaryKind::Neg,
                inplace: true,
            },
            &[view],
        )?;
        Ok(copy)
    }
    let mut g = GraphBuilder::new(DType::F32);
    let copy = build(&mut g).unwrap();
    g.output("copy", copy);
    let mut session = nongemm_torch::Eager
        .prepare(&g.finish(), &NoWeights, &options("reference"))
        .unwrap();
    let x = HostTensor::new([2, 2], HostData::F32(vec![1.0, 2.0, 3.0, 4.0])).unwrap();
    session.bind(&[x]).unwrap();
    let clock = Monotonic::new();
    session
        .run(&mut Recorder::new(&clock, Mode::Off, 3))
        .unwrap();
    let expected = HostData::F32(vec![-1.0, -2.0, -3.0, -4.0]);
    assert_eq!(*session.outputs().unwrap()[0].1.data(), expected);
}
