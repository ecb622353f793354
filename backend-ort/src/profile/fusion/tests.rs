//! Which nodes are led back to which.

use super::*;
use crate::proto::TensorProto;

/// `name = op(inputs) -> outputs`, one a line.
fn graph(lines: &[(&str, &str, &str, &str)], constants: &str) -> GraphProto {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let node = |(name, op, inputs, outputs): &(&str, &str, &str, &str)| {
        let (domain, op) = op.rsplit_once(':').unwrap_or(("", op));
        NodeProto {
            name: (*name).to_owned(),
            op_type: op.to_owned(),
            domain: domain.to_owned(),
            input: words(inputs),
            output: words(outputs),
            ..NodeProto::default()
        }
    };
    let constant = |name: &str| TensorProto {
        name: name.to_owned(),
        ..TensorProto::default()
    };
    GraphProto {
        node: lines.iter().map(node).collect(),
        initializer: constants.split(' ').map(constant).collect(),
        ..GraphProto::default()
    }
}

#[test]
fn a_fused_node_stands_for_what_lies_between_its_values() {
    let original = graph(
        &[
            ("mm", "MatMul", "x w", "a"),
            ("add", "Add", "a b", "c"),
            ("gelu", "Gelu", "c", "d"),
            ("sm", "Softmax", "d", "y"),
        ],
        "w b",
    );
    let optimized = graph(
        &[
            ("mm", "MatMul", "x w", "a"),
            ("BiasGelu", "com.microsoft:BiasGelu", "a b", "d"),
            ("sm", "Softmax", "d", "y"),
        ],
        "w b",
    );
    assert_eq!(
        origins(&original, &optimized),
        [vec![0], vec![1, 2], vec![3]]
    );
}

/// Before and after a product that takes matrices only, values are reshaped.
#[test]
fn the_product_between_two_reshapes_does_the_work() {
    let original = graph(
        &[
            ("relu", "Relu", "in", "x"),
            ("mm", "MatMul", "x w", "a"),
            ("add", "Add", "b a", "c"),
            ("r", "Reshape", "c s", "d"),
            ("t", "Transpose", "d", "e"),
            ("sm", "Softmax", "e", "y"),
        ],
        "w b s",
    );
    let optimized = graph(
        &[
            ("relu", "Relu", "in", "x"),
            ("gemm_input", "Reshape", "x s1", "n1"),
            ("mm/MatMulAddFusion", "Gemm", "n1 w b", "n2"),
            ("gemm_output", "Reshape", "n2 s2", "d"),
            ("t", "Transpose", "d", "e"),
            ("sm", "Softmax", "e", "y"),
        ],
        "w b s s1 s2",
    );
    assert_eq!(
        origins(&original, &optimized),
        [vec![0], vec![], vec![1, 2], vec![3], vec![4], vec![5]]
    );
}

/// The activation behind the last convolution defines the value that leaves blocked layout.
#[test]
fn the_last_activation_belongs_to_its_convolution() {
    let original = graph(
        &[
            ("c", "Conv", "x w", "co"),
            ("res", "Add", "co x", "so"),
            ("r", "Relu", "so", "y"),
        ],
        "w",
    );
    let conv = "com.microsoft.nchwc:Conv";
    let reorder = "com.microsoft.nchwc:ReorderOutput";
    let optimized = graph(
        &[
            ("so_nchwc", conv, "x v", "n1"),
            ("ReorderOutput", reorder, "n1", "y"),
        ],
        "v",
    );
    assert_eq!(origins(&original, &optimized), [vec![0, 1, 2], vec![]]);
}

#[test]
fn what_was_computed_at_loading_is_fused_into_nothing() {
    let original = graph(
        &[
            ("t", "Transpose", "w", "wt"),
            ("mm", "MatMul", "x wt", "a"),
            ("add", "Add", "a b", "y"),
        ],
        "w b",
    );
    let optimized = graph(
        &[("mm/MatMulAddFusion", "Gemm", "x wt_folded b", "y")],
        "wt_folded b",
    );
    assert_eq!(origins(&original, &optimized), [vec![1, 2]]);
}

#[test]
fn a_weight_that_is_still_read_was_dequantized_by_the_fused_node() {
    let original = graph(
        &[
            ("dqx", "DequantizeLinear", "x s z", "xf"),
            ("dqw", "DequantizeLinear", "w s z", "wf"),
            ("mm", "MatMul", "xf wf", "a"),
            ("q", "QuantizeLinear", "a s z", "y"),
        ],
        "w s z",
    );
    let optimized = graph(&[("mm", "QLinearMatMul", "x s z w s z s z", "y")], "w s z");
    assert_eq!(origins(&original, &optimized), [vec![0, 1, 2, 3]]);
}

#[test]
fn blocked_convolutions_take_along_addition_and_activation() {
    let original = graph(
        &[
            ("c1", "Conv", "x w1", "c1o"),
            ("b1", "BatchNormalization", "c1o g1 h1", "b1o"),
            ("r1", "Relu", "b1o", "r1o"),
            ("c2", "Conv", "r1o w2", "c2o"),
            ("res", "Add", "c2o r1o", "so"),
            ("r2", "Relu", "so", "r2o"),
            ("c3", "Conv", "r2o w3", "c3o"),
            ("clip", "Clip", "c3o lo hi", "y1"),
            ("flat", "Flatten", "y1", "y"),
        ],
        "w1 w2 w3 g1 h1 lo hi",
    );
    let conv = "com.microsoft.nchwc:Conv";
    let optimized = graph(
        &[
            ("r1o_nchwc", conv, "x v1 u1", "n1"),
            ("c2o_nchwc", conv, "n1 v2 u2 n1", "n2"),
            ("y1_nchwc", conv, "n2 v3", "n3"),
            (
                "ReorderOutput",
                "com.microsoft.nchwc:ReorderOutput",
                "n3",
                "y1",
            ),
            ("flat", "Flatten", "y1", "y"),
        ],
        "v1 v2 v3 u1 u2",
    );
    assert_eq!(
        origins(&original, &optimized),
        [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7], vec![], vec![8]]
    );
}

#[test]
fn a_node_without_counterpart_stands_for_nothing() {
    let original = graph(&[("a", "Relu", "x", "y")], "w");
    let optimized = graph(
        &[("cast", "Cast", "x", "x2"), ("a", "Relu", "x2", "y")],
        "w",
    );
    assert_eq!(origins(&original, &optimized), [vec![], vec![0]]);
}

/// They are where the node is that they were put in for.
#[test]
fn nodes_that_were_put_in_serve_a_neighbour() {
    let original = graph(
        &[
            ("relu", "Relu", "in", "x"),
            ("c", "Conv", "x w", "co"),
            ("sm", "Softmax", "co", "y"),
        ],
        "w",
    );
    let conv = "com.microsoft.nchwc:Conv";
    let optimized = graph(
        &[
            ("relu", "Relu", "in", "x"),
            (
                "ReorderInput",
                "com.microsoft.nchwc:ReorderInput",
                "x",
                "n0",
            ),
            ("co_nchwc", conv, "n0 v", "n1"),
            (
                "ReorderOutput",
                "com.microsoft.nchwc:ReorderOutput",
                "n1",
                "co",
            ),
            ("sm", "Softmax", "co", "y"),
        ],
        "v",
    );
    let origins = origins(&original, &optimized);
    assert_eq!(origins, [vec![0], vec![], vec![1], vec![], vec![2]]);
    assert_eq!(
        served(&original, &optimized, &origins),
        [None, Some(2), None, Some(2), None]
    );
}

/// ONNX Runtime moves transpositions behind what they can be exchanged with.
#[test]
fn operators_that_changed_places_stay_themselves() {
    let original = graph(
        &[
            ("t", "Transpose", "x", "a"),
            ("m", "ReduceMean", "a axes", "y"),
        ],
        "axes",
    );
    let optimized = graph(
        &[
            ("m", "ReduceMean", "x moved", "n"),
            ("t2", "Transpose", "n", "y"),
        ],
        "moved",
    );
    assert_eq!(origins(&original, &optimized), [vec![1], vec![0]]);
}
