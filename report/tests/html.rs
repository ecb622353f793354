//! The HTML page: what can be said of it without a browser. `cargo xtask test browser` opens it in one.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{HOSTILE, doubtful, failed, gpt2, hostile, stream, terminal, tiny, with_ceilings};
use nongemm_core::record::RunRecord;
use nongemm_report::HtmlReporter;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn page(runs: &[RunRecord]) -> String {
    stream(&HtmlReporter, runs, terminal(80))
}

/// What stands between two texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, after) = text.split_once(start).unwrap();
    after.split_once(end).unwrap().0
}

/// A document of the page.
fn document(page: &str, id: &str) -> Value {
    let letters = between(page, &format!("id=\"{id}\">"), "</script>");
    let bytes = STANDARD.decode(letters).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn nothing_is_loaded_from_outside_and_only_its_script_runs() {
    let page = page(&[gpt2()]);
    assert!(page.contains("default-src 'none'"));
    let script = page
        .rsplit_once("<script>")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
    assert!(page.contains(&format!("script-src 'sha256-{hash}'")));
    for outside in [
        "src=",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "innerHTML",
        "eval(",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    let links = page.matches("href=\"http").count();
    assert_eq!(links, 0);
    assert!(!page.contains("{{"), "a placeholder is left");
}

#[test]
fn every_number_of_a_run_is_there() {
    let (run, other) = (gpt2(), failed());
    let page = page(&[run.clone(), other.clone()]);
    let overview = document(&page, "overview");
    let shown = &overview["runs"][0];
    assert_eq!(shown["id"], run.id);
    assert_eq!(shown["groups"].as_array().unwrap().len(), run.groups.len());
    let shares: f64 = shown["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g[2].as_f64().unwrap())
        .sum();
    assert!((shares - 1.0).abs() < 1e-9);
    assert_eq!(overview["runs"][1]["error"], other.error.unwrap());
    let operators = document(&page, "operators");
    let columns = &operators["runs"][0];
    let profile = run.profile.unwrap();
    let host = columns["host"].as_array().unwrap();
    assert_eq!(host.len(), profile.ops.len());
    let sum: f64 = host.iter().map(|ns| ns.as_f64().unwrap()).sum();
    let expected: f64 = profile.ops.iter().map(|op| op.host_ns.median).sum();
    assert!((sum / expected - 1.0).abs() < 1e-4, "{sum} {expected}");
    for name in [
        "id", "op", "scope", "group", "part", "parent", "attrs", "inputs", "outputs", "fused",
        "provider", "flops", "bytes",
    ] {
        let column = &operators["columns"][columns[name].as_u64().unwrap() as usize];
        assert_eq!(
            column.as_array().unwrap().len(),
            profile.ops.len(),
            "{name}"
        );
    }
    assert!(operators["runs"][1].is_null());
}

#[test]
fn columns_that_runs_have_in_common_are_held_once() {
    let one = document(&page(&[gpt2()]), "operators");
    let two = document(&page(&[gpt2(), gpt2()]), "operators");
    assert_eq!(one["columns"], two["columns"]);
    assert_eq!(one["strings"], two["strings"]);
}

#[test]
fn operators_have_characteristics() {
    let overview = document(&page(&[gpt2()]), "overview");
    let rows = overview["table2"].as_array().unwrap();
    let of = |op: &str| rows.iter().find(|row| row["op"] == op).unwrap();
    assert_eq!(of("layer_norm")["traits"][1], true);
    assert_eq!(of("layer_norm")["calls"], 24);
    assert_eq!(of("new_gelu")["traits"][2], true);
    assert!(rows.iter().all(|row| row["op"] != "addmm"));
}

#[test]
fn groups_stand_against_the_ceilings_or_say_why_not() {
    let page = page(&[with_ceilings(gpt2()), gpt2()]);
    let overview = document(&page, "overview");
    let roof = &overview["runs"][0]["roofline"];
    let groups = roof["groups"].as_array().unwrap();
    assert!(!groups.is_empty());
    for group in groups {
        let of = |name: &str| group[name].as_f64().unwrap();
        let sum = of("compute_ns") + of("memory_ns") + of("overhead_ns") + of("unknown_ns");
        assert!((sum - of("ns")).abs() < 1e-6 * of("ns"), "{group}");
    }
    let missing = overview["runs"][1]["roofline"]["missing"].as_str().unwrap();
    assert!(missing.contains("`nongemm machine`"), "{missing}");
}

#[test]
fn warnings_are_those_of_the_terminal() {
    let overview = document(&page(&[doubtful()]), "overview");
    let warnings = overview["runs"][0]["warnings"].as_array().unwrap();
    assert!(warnings.len() >= 5, "{warnings:?}");
    assert!(
        warnings
            .iter()
            .any(|w| w.as_str().unwrap().contains("unreliable"))
    );
}

#[test]
fn hostile_names_are_data() {
    let page = page(&[tiny(), hostile()]);
    assert!(!page.contains("onerror"));
    assert_eq!(page.matches("</script>").count(), 3);
    let overview = document(&page, "overview");
    let run = &overview["runs"][1];
    assert_eq!(run["model"], HOSTILE);
    // A group that this build does not know has a place and a colour of its own.
    let groups = overview["groups"].as_array().unwrap();
    assert_eq!(groups[groups.len() - 2]["name"], HOSTILE);
    assert!(page.contains(&format!("--g{}", groups.len() - 1)));
}

#[test]
fn no_runs_are_a_page_too() {
    let overview = document(&page(&[]), "overview");
    assert_eq!(overview["runs"], serde_json::json!([]));
}
