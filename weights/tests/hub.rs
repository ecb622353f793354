//! Checkpoints of the hub, from a server on this machine that speaks its protocol.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod hub_server;

use std::fs;
use std::path::PathBuf;

use hub_server::{Fault, Server, sha256};
use nongemm_weights::Hub;

/// The start of a checkpoint is enough: what is fetched is not read here.
fn weights(seed: u8) -> Vec<u8> {
    (0..300_000u32).map(|i| (i % 251) as u8 ^ seed).collect()
}

fn index() -> Vec<u8> {
    let map = r#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
    map.as_bytes().to_vec()
}

fn hub(server: &Server, cache: &tempfile::TempDir) -> Hub {
    Hub {
        endpoint: server.address.clone(),
        cache: cache.path().join("hub"),
        token: None,
        offline: false,
    }
}

fn error(result: anyhow::Result<PathBuf>) -> String {
    let text = format!("{:#}", result.unwrap_err());
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_checkpoint_is_fetched_once_and_then_needs_no_network() {
    let server = Server::start(&[
        ("config.json", b"{}".to_vec()),
        ("preprocessor_config.json", b"{}".to_vec()),
        ("tokenizer.json", b"{}".to_vec()),
        ("model.safetensors", weights(0)),
        ("pytorch_model.bin", weights(1)),
        ("README.md", b"x".to_vec()),
    ]);
    let cache = tempfile::tempdir().unwrap();
    let mut hub = hub(&server, &cache);
    let folder = hub.folder("hf:org/name").unwrap();
    assert_eq!(
        fs::read(folder.join("model.safetensors")).unwrap(),
        weights(0)
    );
    for beside in ["config.json", "preprocessor_config.json", "tokenizer.json"] {
        assert!(folder.join(beside).exists(), "{beside}");
    }
    assert!(!folder.join("pytorch_model.bin").exists() && !folder.join("README.md").exists());
    // The layout that Python's library shares.
    let repo = cache.path().join("hub/models--org--name");
    assert_eq!(
        fs::read_to_string(repo.join("refs/main")).unwrap(),
        hub_server::COMMIT
    );
    assert_eq!(folder, repo.join("snapshots").join(hub_server::COMMIT));
    assert!(repo.join("blobs").join(sha256(&weights(0))).is_file());
    let requests = server.requests().len();
    assert_eq!(hub.folder("hf:org/name").unwrap(), folder);
    let commit = format!("hf:org/name@{}", hub_server::COMMIT);
    assert_eq!(hub.folder(&commit).unwrap(), folder);
    assert_eq!(
        server.requests().len(),
        requests,
        "nothing was asked of the network"
    );
    drop(server);
    hub.offline = true;
    assert_eq!(hub.folder("hf:org/name").unwrap(), folder);
    let message = error(hub.folder("hf:org/other"));
    assert!(
        message.contains("hf:org/other is not in the cache"),
        "{message}"
    );
    assert!(message.contains("HF_HUB_OFFLINE"), "{message}");
}

#[test]
fn what_comes_with_weights_that_others_fetched_is_fetched_too() {
    let server = Server::start(&[
        ("preprocessor_config.json", b"{}".to_vec()),
        ("model.safetensors", weights(0)),
    ]);
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, &cache);
    let folder = hub.folder("hf:org/name").unwrap();
    let configuration = folder.join("preprocessor_config.json");
    fs::remove_file(&configuration).unwrap();
    let requests = server.requests().len();
    assert_eq!(hub.folder("hf:org/name").unwrap(), folder);
    assert!(configuration.exists());
    let asked = server.requests().split_off(requests);
    let weights = asked
        .iter()
        .any(|request| request.contains("model.safetensors"));
    assert!(!asked.is_empty() && !weights, "{asked:?}");
    // A tag of the same commit brings nothing again.
    assert_eq!(hub.folder("hf:org/name@v2").unwrap(), folder);
    let again = server.requests().split_off(requests);
    assert!(!again.iter().any(|r| r.contains("model.safetensors")));
    // Once it is known what there is, nothing is asked; without the hub, what is there is enough.
    let requests = server.requests().len();
    assert_eq!(hub.folder("hf:org/name").unwrap(), folder);
    assert_eq!(server.requests().len(), requests);
    fs::remove_file(&configuration).unwrap();
    drop(server);
    assert_eq!(hub.folder("hf:org/name").unwrap(), folder);
    assert!(!configuration.exists());
}

#[test]
fn an_index_brings_its_shards() {
    let files = [
        ("model.safetensors.index.json", index()),
        ("model-1.safetensors", weights(1)),
        ("model-2.safetensors", weights(2)),
    ];
    let server = Server::start(&files);
    let cache = tempfile::tempdir().unwrap();
    let folder = hub(&server, &cache).folder("hf:org/name@v1").unwrap();
    for (name, bytes) in &files {
        assert_eq!(&fs::read(folder.join(name)).unwrap(), bytes, "{name}");
    }
    // One shard that is missing is fetched again, and it alone.
    fs::remove_file(folder.join("model-2.safetensors")).unwrap();
    hub(&server, &cache).folder("hf:org/name@v1").unwrap();
    assert!(folder.join("model-2.safetensors").exists());
}

#[test]
fn an_index_cannot_name_files_elsewhere() {
    let map = r#"{"weight_map": {"a": "../../evil.safetensors"}}"#;
    let server = Server::start(&[("model.safetensors.index.json", map.as_bytes().to_vec())]);
    let cache = tempfile::tempdir().unwrap();
    let message = error(hub(&server, &cache).folder("hf:org/name"));
    assert!(message.contains("which is not in its folder"), "{message}");
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let server = Server::start(&[("model.safetensors", weights(0))]);
    server.fault("model.safetensors", Fault::CutOnce(100_000));
    let cache = tempfile::tempdir().unwrap();
    let folder = hub(&server, &cache).folder("hf:org/name").unwrap();
    assert_eq!(
        fs::read(folder.join("model.safetensors")).unwrap(),
        weights(0)
    );
    let requests = server.requests();
    let resumed = requests.iter().any(|r| r.contains("bytes=100000-"));
    assert!(resumed, "{requests:?}");
}

#[test]
fn an_earlier_process_is_resumed_too() {
    let server = Server::start(&[("model.safetensors", weights(0))]);
    let cache = tempfile::tempdir().unwrap();
    let blobs = cache.path().join("hub/models--org--name/blobs");
    fs::create_dir_all(&blobs).unwrap();
    let part = blobs.join(format!("{}.part", sha256(&weights(0))));
    fs::write(part, &weights(0)[..7]).unwrap();
    let folder = hub(&server, &cache).folder("hf:org/name").unwrap();
    assert_eq!(
        fs::read(folder.join("model.safetensors")).unwrap(),
        weights(0)
    );
    assert!(server.requests().iter().any(|r| r.contains("bytes=7-")));
}

#[test]
fn redirects_are_followed() {
    let server = Server::start(&[("model.safetensors", weights(0))]);
    server.fault("model.safetensors", Fault::Redirect);
    let cache = tempfile::tempdir().unwrap();
    let folder = hub(&server, &cache).folder("hf:org/name").unwrap();
    assert_eq!(
        fs::read(folder.join("model.safetensors")).unwrap(),
        weights(0)
    );
    assert!(server.requests().iter().any(|r| r.contains("/elsewhere/")));
}

#[test]
fn what_came_wrong_is_refused_and_does_not_stay() {
    for (fault, expected) in [
        (Fault::Wrong, "has the checksum"),
        (Fault::Short, "bytes instead of"),
    ] {
        let server = Server::start(&[("model.safetensors", weights(0))]);
        server.fault("model.safetensors", fault);
        let cache = tempfile::tempdir().unwrap();
        let hub = hub(&server, &cache);
        let message = error(hub.folder("hf:org/name"));
        assert!(
            message.starts_with("hf:org/name: model.safetensors: has "),
            "{message}"
        );
        assert!(message.contains(expected), "{message}");
        server.fault("model.safetensors", Fault::None);
        let folder = hub.folder("hf:org/name").unwrap();
        assert_eq!(
            fs::read(folder.join("model.safetensors")).unwrap(),
            weights(0)
        );
    }
}

#[test]
fn refusals_are_one_line_that_says_what_to_do() {
    let server = Server::start(&[("model.safetensors", weights(0))]);
    let cache = tempfile::tempdir().unwrap();
    let mut hub = hub(&server, &cache);
    let message = error(hub.folder("hf:org/none"));
    assert!(
        message.contains("has no such checkpoint, revision or file"),
        "{message}"
    );
    let message = error(hub.folder("hf:org/gated"));
    assert!(message.contains("set HF_TOKEN"), "{message}");
    hub.token = Some("secret".to_owned());
    hub.folder("hf:org/gated").unwrap();
    let empty = Server::start(&[("README.md", b"x".to_vec())]);
    hub.endpoint = empty.address.clone();
    let message = error(hub.folder("hf:org/name"));
    assert!(
        message.contains("has no weights that can be read"),
        "{message}"
    );
    let gone = empty.address.clone();
    drop(empty);
    hub.endpoint = gone;
    let message = error(hub.folder("hf:org/third"));
    assert!(message.contains("cannot fetch from"), "{message}");
}
