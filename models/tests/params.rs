//! Parameters have the names, shapes and totals of the reference implementation's checkpoints.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::collections::BTreeMap;

use nongemm_core::graph::{Graph, Param, Piece};
use serde_json::{Value, json};
use support::case::{Case, models};
use support::golden;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Checks one entry of a checkpoint and returns the parameter that stands for it, if any has to.
fn find<'g>(graph: &'g Graph, entry: &Value) -> Option<&'g Param> {
    let [name, marks] = [&entry[0], &entry[3]];
    if marks["bookkeeping"] == true {
        return None;
    }
    let names = |param: &&Param, name: &str| {
        param.name == name || param.aliases.iter().any(|alias| alias == name)
    };
    let name = text(name);
    let param = graph.params().iter().find(|param| names(param, name));
    let param = param.unwrap_or_else(|| panic!("nothing is called {name}"));
    let piece = |piece: &Piece| json!([piece.name, piece.shape]);
    let pieces: Vec<Value> = param.pieces.iter().map(piece).collect();
    let expected = marks["pieces"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(pieces, expected, "{name}");
    match (marks["module_name"].as_str(), marks["tied_to"].as_str()) {
        (Some(module), _) => assert_eq!(param.name, module),
        (None, Some(owner)) => assert!(names(&param, owner), "{name} is not tied to {owner}"),
        (None, None) => assert_eq!(param.name, name),
    }
    let shape: Vec<usize> = serde_json::from_value(entry[1].clone()).unwrap();
    assert_eq!(graph.spec(param.value).shape.known(), Some(shape), "{name}");
    Some(param)
}

#[test]
fn names_and_shapes_are_those_of_the_reference() {
    for case in Case::small() {
        let graph = case.graph().unwrap();
        let file = std::fs::read_to_string(golden(&format!("{}.params.txt", case.name))).unwrap();
        let mut missing: BTreeMap<&str, &Param> = graph
            .params()
            .iter()
            .map(|p| (p.name.as_str(), p))
            .collect();
        for line in file.lines() {
            if let Some(param) = find(&graph, &serde_json::from_str(line).unwrap()) {
                missing.remove(param.name.as_str());
            }
        }
        assert!(
            missing.is_empty(),
            "{}: the reference has no {:?}",
            case.name,
            missing.keys()
        );
    }
}

#[test]
fn published_checkpoints_of_earlier_versions_are_known_by_alias() {
    let aliases = |case: &Case| -> Vec<String> {
        let graph = case.graph().unwrap();
        let params = graph.params().iter();
        params.flat_map(|param| param.aliases.clone()).collect()
    };
    let has = |model: &str, name: &str| {
        let case = Case::small_of(model).unwrap();
        assert!(aliases(&case).iter().any(|alias| alias == name), "{name}");
    };
    has("gpt2", "wte.weight");
    has("gpt2", "h.1.mlp.c_proj.bias");
    has("gpt2", "lm_head.weight");
    has("bert", "bert.embeddings.LayerNorm.gamma");
    has(
        "bert",
        "bert.encoder.layer.1.attention.output.LayerNorm.beta",
    );
    has("bert", "cls.predictions.transform.LayerNorm.gamma");
    has("bert", "cls.predictions.decoder.weight");
    has(
        "vit-b16",
        "vit.encoder.layer.1.attention.attention.query.weight",
    );
    has("vit-b16", "vit.encoder.layer.0.layernorm_after.bias");
}

#[test]
fn published_configurations_have_the_published_number_of_parameters() {
    let file = std::fs::read_to_string(golden("totals.txt")).unwrap();
    let totals: BTreeMap<&str, u64> = file
        .lines()
        .map(|line| {
            let (id, total) = line.split_once(' ').unwrap();
            (id, total.parse().unwrap())
        })
        .collect();
    for id in models().unwrap() {
        let graph = Case::full(id).unwrap().graph().unwrap();
        assert_eq!(Some(&graph.parameter_count()), totals.get(id), "{id}");
    }
}
