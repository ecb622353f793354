//! Files: names, weights inside and beside, transposed matrices.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{CompositePolicy, Graph, GraphBuilder, Init};
use nongemm_core::shape::TensorSpec;
use nongemm_operators as ops;
use nongemm_ort::export::{Model, node_index, write, write_apart};
use nongemm_ort::proto::{DataLocation, GraphProto, ModelProto, TensorProto};
use prost::Message;

use crate::support::flow;

/// A table of words that is also the last layer, and a layer that is only read as one.
fn tied() -> Graph {
    let mut g = GraphBuilder::new(DType::F32);
    let ids = TensorSpec::new(DType::I64, [2, 3]);
    let ids = g.index_input("ids", ids, 40).unwrap();
    let (table, hidden) = g
        .scope("words", |g| {
            let table = g.param("weight", [40, 32], Init::std(0.1))?;
            Ok::<_, nongemm_core::graph::BuildError>((table, ops::embedding(g, table, ids)?))
        })
        .unwrap();
    let hidden = g
        .scope("layer", |g| {
            let weight = g.param("weight", [16, 32], Init::std(0.1))?;
            let narrow = ops::linear(g, hidden, weight, None)?;
            let weight = g.param("back", [32, 16], Init::std(0.1))?;
            ops::linear(g, narrow, weight, None)
        })
        .unwrap();
    let logits = ops::linear(&mut g, hidden, table, None).unwrap();
    g.output("logits", logits);
    g.finish()
}

fn graph_of(model: &ModelProto) -> &GraphProto {
    model.graph.as_ref().unwrap()
}

fn initializer<'m>(model: &'m ModelProto, name: &str) -> &'m TensorProto {
    let mut all = graph_of(model).initializer.iter();
    all.find(|tensor| tensor.name == name).unwrap()
}

#[test]
fn a_matrix_that_only_products_read_is_stored_transposed() {
    let graph = tied();
    let model = Model::new(&graph, CompositePolicy::Reference).unwrap();
    let names: Vec<&str> = model.weights.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["words.weight", "layer.weight.T", "layer.back.T"]);
    let weights = flow::weights("synthetic:0").unwrap();
    let plain = weights
        .load(&graph.params()[1], graph.spec(graph.params()[1].value))
        .unwrap();
    let stored = model.weights[1].load(&graph, weights.as_ref()).unwrap();
    assert_eq!(
        (plain.shape(), stored.shape()),
        (&[16, 32][..], &[32, 16][..])
    );
    let (plain, stored) = (plain.data().to_f64(), stored.data().to_f64());
    for row in 0..16 {
        for column in 0..32 {
            assert_eq!(plain[row * 32 + column], stored[column * 16 + row]);
        }
    }
}

#[test]
fn nodes_are_named_by_scope_and_node() {
    let model = Model::new(&tied(), CompositePolicy::Reference).unwrap();
    let names: Vec<&str> = graph_of(&model.proto)
        .node
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    let expected = [
        "words/n0:embedding",
        "layer/n1:linear",
        "layer/n2:linear",
        "words.weight/transposed",
        "n3:linear",
    ];
    assert_eq!(names, expected);
    let found: Vec<Option<usize>> = names.iter().map(|name| node_index(name)).collect();
    assert_eq!(found, [Some(0), Some(1), Some(2), None, Some(3)]);
}

#[test]
fn weights_apart_are_those_inside() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::new(&tied(), CompositePolicy::Reference).unwrap();
    let weights = flow::weights("synthetic:0").unwrap();
    let inside = write(&model, weights.as_ref(), &folder.path().join("in.onnx")).unwrap();
    let apart = write_apart(&model, weights.as_ref(), &folder.path().join("apart.onnx")).unwrap();
    assert_eq!(inside.data, None);
    let read = |path: &std::path::Path| {
        let bytes = std::fs::read(path).unwrap();
        ModelProto::decode(bytes.as_slice()).unwrap()
    };
    let (one, two) = (read(&inside.model), read(&apart.model));
    let data = std::fs::read(apart.data.unwrap()).unwrap();
    for weight in &model.weights {
        let elements = &initializer(&one, &weight.name).raw_data;
        let header = initializer(&two, &weight.name);
        assert_eq!(header.data_location, i32::from(DataLocation::External));
        let entry = |key: &str| {
            let mut entries = header.external_data.iter();
            entries
                .find(|entry| entry.key == key)
                .unwrap()
                .value
                .clone()
        };
        assert_eq!(entry("location"), "apart.onnx.data");
        let offset: usize = entry("offset").parse().unwrap();
        let length: usize = entry("length").parse().unwrap();
        assert_eq!(offset % 4096, 0);
        assert_eq!(&data[offset..offset + length], &elements[..]);
    }
}
