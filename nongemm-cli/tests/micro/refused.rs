//! What cannot run is refused entry by entry.

use std::fs;

use nongemm_core::record::{MicroEntry, Outcome};

use crate::common::run;
use crate::{list, micro, record, softmax};

fn reason(entry: &MicroEntry) -> &str {
    match &entry.outcome {
        Outcome::Refused { reason } => reason,
        other => panic!("{}: {other:?}", entry.call.op),
    }
}

#[test]
fn bad_entries_are_refused_one_by_one_and_the_rest_runs() {
    let folder = tempfile::tempdir().unwrap();
    let f32 = |shape: serde_json::Value| serde_json::json!([{"dtype": "f32", "shape": shape}]);
    let calls = serde_json::json!([
        softmax(4),
        {"op": "softmax", "attrs": {"dim": -1}, "inputs": f32(serde_json::json!([-4, 8]))},
        {"op": "sotfmax", "attrs": {"dim": -1}, "inputs": f32(serde_json::json!([4, 8]))},
        {"op": "softmax", "attrs": {"dim": 7}, "inputs": f32(serde_json::json!([4, 8]))},
        {"op": "clone", "inputs": f32(serde_json::json!([2_500_000_000_000u64]))},
        {"op": "clone", "inputs": f32(serde_json::json!(["boxes"]))},
        {"op": "clone", "inputs": "none"},
        softmax(5),
    ]);
    let done = micro(folder.path(), &list(folder.path(), &calls), &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = record(folder.path());
    let entries = &record.entries;
    for index in [0, 7] {
        let times = entries[index].outcome.times().unwrap();
        assert!(times.hot.n >= 6 && times.hot.median_ns > 0.0);
        assert!(times.cold.as_ref().unwrap().n >= 3);
        assert!(entries[index].bytes_per_s.unwrap() > 0.0);
    }
    assert!(record.overhead.is_some() && record.clock.resolution_ns > 0);
    assert!(record.flushed_bytes > 1 << 20);
    let expected = [
        (1, "-4"),
        (2, "did you mean `softmax`"),
        (3, "axis 7"),
        (4, "MiB are available"),
        (5, "only data decide"),
        (6, "clone"),
    ];
    for (index, words) in expected {
        let reason = reason(&entries[index]);
        assert!(reason.contains(words), "{index}: {reason}");
    }
    assert!(
        done.stdout.contains("2 measured, 6 refused, 0 failed"),
        "{}",
        done.stdout
    );
}

#[test]
fn bad_lines_of_a_registry_file_are_refused_one_by_one_and_the_rest_runs() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = [
        serde_json::json!([4, 8]),
        serde_json::json!([-4, 8]),
        serde_json::json!([2_500_000_000_000u64]),
    ];
    let specs = sizes.map(|shape| serde_json::json!({"dtype": "f32", "shape": shape}));
    let header = serde_json::json!({"nongemm_registry": 1, "names": ["ir", "softmax", "sotfmax"],
        "specs": specs, "occasions": []});
    let line = |op: usize, attrs: serde_json::Value, spec: usize| {
        serde_json::json!({"v": 0, "o": op, "g": "logit", "a": attrs, "i": [spec], "m": []})
            .to_string()
    };
    let last = || serde_json::json!({"dim": -1});
    let lines = [
        header.to_string(),
        line(1, last(), 0),
        line(1, last(), 1),
        line(2, last(), 0),
        line(1, serde_json::json!({"dim": "last"}), 0),
        line(1, last(), 2),
        line(1, serde_json::json!(7), 0),
        "{".to_owned(),
        line(1, serde_json::json!({"dim": 0}), 0),
    ];
    let file = folder.path().join("hand.registry");
    fs::write(&file, lines.join("\n")).unwrap();
    let done = micro(folder.path(), &file, &[]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout.contains("2 measured, 6 refused, 0 failed"),
        "{}",
        done.stdout
    );
    let record = record(folder.path());
    let refused = |entry: &&MicroEntry| entry.outcome.times().is_none();
    let reasons: Vec<&str> = record.entries.iter().filter(refused).map(reason).collect();
    let expected = [
        "the negative size -4",
        "did you mean `softmax`",
        "invalid type: string",
        "takes more than 1 TiB",
        "line 7: softmax",
        "line 8",
    ];
    for words in expected {
        let found = reasons.iter().filter(|reason| reason.contains(words));
        assert_eq!(found.count(), 1, "{words}: {reasons:?}");
    }
    let file = file.to_str().unwrap();
    let done = run(&["registry", "stats", "--registry", file, "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.ends_with("4 lines refused\n"),
        "{}",
        done.stderr
    );
}
