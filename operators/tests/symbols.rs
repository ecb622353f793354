//! Dimensions that only the data decide flow through the operators.

use nongemm_core::dtype::DType;
use nongemm_core::op::Op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use nongemm_operators as ops;

/// A spec from sizes and names, such as `n, 4`.
fn spec(dims: &str) -> TensorSpec {
    let parse = |dim: &str| dim.parse().map_or_else(|_| Dim::symbol(dim), Dim::Known);
    let dims = dims.split(", ").filter(|dim| !dim.is_empty()).map(parse);
    TensorSpec::new(DType::F32, Shape::new(dims))
}

fn infer(op: impl Op, inputs: &[&str]) -> Result<String, ShapeError> {
    let inputs: Vec<TensorSpec> = inputs.iter().map(|dims| spec(dims)).collect();
    let outputs = op.infer(&inputs)?;
    let shapes: Vec<String> = outputs.iter().map(|x| x.shape.to_string()).collect();
    Ok(shapes.join(" "))
}

#[test]
fn a_view_takes_the_symbol_along() {
    let view = |size: &[i64]| ops::View {
        size: size.to_vec(),
    };
    assert_eq!(infer(view(&[-1, 2, 2]), &["n, 4"]).unwrap(), "[n, 2, 2]");
    assert_eq!(infer(view(&[-1]), &["n, 4"]).unwrap(), "[view]");
    assert!(infer(view(&[2, 2]), &["n, 4"]).is_err());
    let flatten = |start_dim, end_dim| ops::Flatten { start_dim, end_dim };
    assert_eq!(
        infer(flatten(1, -1), &["n, 256, 7, 7"]).unwrap(),
        "[n, 12544]"
    );
}

#[test]
fn layers_take_symbolic_batches() {
    assert_eq!(
        infer(ops::Linear {}, &["n, 8", "3, 8", "3"]).unwrap(),
        "[n, 3]"
    );
    assert_eq!(
        infer(ops::Matmul {}, &["n, 4, 8", "n, 8, 2"]).unwrap(),
        "[n, 4, 2]"
    );
    assert!(infer(ops::Matmul {}, &["n, 4, 8", "m, 8, 2"]).is_err());
    let conv = ops::Conv2d::default();
    assert_eq!(
        infer(conv, &["n, 3, 5, 5", "4, 3, 3, 3"]).unwrap(),
        "[n, 4, 3, 3]"
    );
}

#[test]
fn unknown_sizes_get_new_symbols() {
    assert_eq!(
        infer(ops::Cat { dim: 0 }, &["n, 4", "2, 4"]).unwrap(),
        "[n+2, 4]"
    );
    let slice = |start, end| ops::Slice {
        dim: 0,
        start,
        end,
        step: 1,
    };
    assert_eq!(infer(slice(0, None), &["n, 4"]).unwrap(), "[n, 4]");
    assert_eq!(infer(slice(0, Some(100)), &["n, 4"]).unwrap(), "[slice, 4]");
}

#[test]
fn messages() {
    let message = |result: Result<String, ShapeError>| result.unwrap_err().to_string();
    insta::assert_snapshot!(
        message(infer(ops::Linear {}, &["2, 8", "3, 7"])),
        @"features of input and weight must agree, got 8 and 7"
    );
    insta::assert_snapshot!(message(infer(ops::Linear {}, &["2, 8"])), @"takes 2 or 3 inputs, got 1");
    insta::assert_snapshot!(
        message(infer(ops::View { size: vec![3, -1] }, &["2, 4"])),
        @"shape [2, 4] cannot become [3, -1]"
    );
    insta::assert_snapshot!(
        message(infer(ops::Split { split_size: 0, dim: 0 }, &["4"])),
        @"pieces must not be empty"
    );
    insta::assert_snapshot!(
        message(infer(ops::Embedding {}, &["4, 2", "3"])),
        @"indices must be i64, i32 or u32, got f32[3]"
    );
}
