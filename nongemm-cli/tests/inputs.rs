//! Several inputs in turn, weights with their hashes, and the hub's offline mode.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{bench, done, nongemm, records};

#[test]
fn inputs_are_measured_in_turn() {
    let out = tempfile::tempdir().unwrap();
    let done = bench(
        out.path(),
        &["--model", "faster-rcnn,gpt2", "--inputs", "3"],
    );
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    for record in records(out.path()) {
        assert_eq!(record.spec.inputs, 3);
        let turns = record.turns.unwrap();
        assert_eq!(turns.inputs.len(), 3);
        let n: usize = turns.inputs.iter().map(|input| input.n).sum();
        assert_eq!(n, record.latency.unwrap().n);
        for input in &turns.inputs {
            assert!(input.n > 0 && input.median_ns > 0.0 && input.prepared_ns > 0);
            assert!(!input.items.is_empty() && !input.tensors.is_empty());
        }
        assert_ne!(turns.inputs[0].items, turns.inputs[1].items);
        let profile = record.profile.unwrap();
        // What is kept of a photograph depends on it; a language model's sizes do not depend on the text.
        assert_eq!(turns.differing.is_empty(), record.spec.model == "gpt2");
        for op in &turns.differing {
            assert_eq!(op.outputs.len(), 3);
            let row = profile.ops.iter().find(|row| row.id == op.id).unwrap();
            assert_eq!(row.outputs, op.outputs[0]);
        }
    }
}

#[test]
fn one_input_is_as_it_was() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(bench(out.path(), &["--model", "gpt2"]).code, Some(0));
    let record = records(out.path()).remove(0);
    assert_eq!(record.turns, None);
    let weights = record.weights.unwrap();
    assert_eq!(
        (weights.source.as_str(), weights.files.len()),
        ("synthetic:0", 0)
    );
}

#[test]
fn a_number_of_inputs_out_of_range_is_refused() {
    for count in ["0", "5000"] {
        let out = tempfile::tempdir().unwrap();
        let done = bench(out.path(), &["--model", "gpt2", "--inputs", count]);
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        let expected = format!("inputs must be from 1 to 4096, got {count}");
        assert!(done.stderr.contains(&expected), "{}", done.stderr);
    }
}

/// Weights of the small resnet50 as its checkpoint would be called.
fn checkpoint(folder: &Path) -> String {
    let file = folder.join("w.safetensors");
    let none: BTreeMap<String, safetensors::tensor::TensorView<'_>> = BTreeMap::new();
    safetensors::serialize_to_file(none, None, &file).unwrap();
    file.display().to_string()
}

#[test]
fn the_hub_is_not_asked_offline_and_wrong_names_are_refused() {
    let out = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let refused = |weights: &str, expected: &str| {
        let folder = out.path().to_str().unwrap();
        let args = [
            "bench",
            "--model",
            "gpt2",
            "--backend",
            "candle",
            "--out",
            folder,
        ];
        let mut command = nongemm(&[&args[..], &["--weights", weights]].concat());
        // An address that nothing answers at: it must not be asked.
        command
            .env("HF_HOME", home.path())
            .env("HF_HUB_OFFLINE", "1");
        command
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env_remove("HF_HUB_CACHE");
        let done = done(&command.output().unwrap());
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.contains(expected), "{}", done.stderr);
    };
    refused("hf:org/name", "hf:org/name is not in the cache");
    refused("hf:org/name", "HF_HUB_OFFLINE forbids fetching it");
    refused("hf:../name", "is not hf:ORG/NAME[@REVISION]");
    refused(&checkpoint(home.path()), "w.safetensors holds no tensor");
}
