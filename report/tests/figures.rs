//! Figures.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{doubtful, failed, gpt2, hostile, stream, terminal, tiny, with_ceilings};
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_report::{PngReporter, SvgReporter};

fn with(backend: &str, batch: usize) -> RunRecord {
    let mut run = gpt2();
    run.spec.backend = backend.to_owned();
    run.spec.batch = batch;
    run.id = format!("gpt2-{backend}-{batch}");
    run
}

fn files(reporter: &dyn Reporter, runs: &[RunRecord]) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    reporter
        .report(runs, &mut ReportTarget::Folder(folder.path()))
        .unwrap();
    let mut files: Vec<_> = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn one_figure_for_each_flow_and_one_for_flows_side_by_side() {
    let runs = [
        with("candle", 1),
        with("candle", 8),
        with("torch:script", 1),
        failed(),
    ];
    let svg = files(&SvgReporter, &runs);
    assert_eq!(
        names(&svg),
        ["flows.svg", "groups-candle.svg", "groups-torch-script.svg"]
    );
    let png = files(&PngReporter, &runs);
    assert_eq!(
        names(&png),
        ["flows.png", "groups-candle.png", "groups-torch-script.png"]
    );
    for (name, bytes) in png {
        assert!(bytes.starts_with(b"\x89PNG"), "{name}");
        assert!(bytes.len() > 5000, "{name}: {} bytes", bytes.len());
    }
}

#[test]
fn bars_of_a_flow() {
    insta::assert_snapshot!(stream(
        &SvgReporter,
        &[tiny(), with("candle", 1), with("candle", 8)],
        terminal(80)
    ));
}

#[test]
fn a_roofline_where_ceilings_were_measured() {
    let run = with_ceilings(with("candle", 1));
    let svg = files(&SvgReporter, &[run]);
    assert_eq!(
        names(&svg),
        ["groups-candle.svg", "roofline-gpt2-candle-1.svg"]
    );
    let text = String::from_utf8(svg[1].1.clone()).unwrap();
    assert!(text.matches("<circle").count() >= 5, "{text}");
    assert!(text.contains("-bound"), "{text}");
}

/// Pieces of a bar fill it: nothing of a run is left out.
#[test]
fn pieces_add_up() {
    let svg = stream(&SvgReporter, &[doubtful()], terminal(80));
    let heights = svg
        .lines()
        .filter(|line| line.starts_with("<rect") && line.contains("%</title>"))
        .map(|line| {
            let (_, rest) = line.split_once("height=\"").unwrap();
            let height: f64 = rest.split_once('"').unwrap().0.parse().unwrap();
            if height > 1.4 { height + 0.6 } else { height }
        });
    let sum: f64 = heights.sum();
    assert!((sum - 220.0).abs() < 1.0, "{sum}");
}

#[test]
fn hostile_names_stay_text() {
    for (name, bytes) in files(&SvgReporter, &[hostile()]) {
        assert!(
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
            "{name}"
        );
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            !text.contains("<img") && !text.contains("</script"),
            "{name}"
        );
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{name}");
    }
    // It is well-formed, else it could not be drawn.
    assert!(!files(&PngReporter, &[hostile()]).is_empty());
}

#[test]
fn nothing_to_draw_is_said() {
    assert!(
        stream(&SvgReporter, &[failed()], terminal(80))
            .contains("no run has an operator breakdown")
    );
    assert_eq!(names(&files(&SvgReporter, &[])), ["groups.svg"]);
}
