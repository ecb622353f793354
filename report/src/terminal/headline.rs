//! What ran, and how long it took.

use nongemm_core::measure::Stop;
use nongemm_core::record::{Latency, RunRecord, RunSpec, Turns};

use super::page::{Page, Style};
use crate::format::{NBSP, count, half_width, interval, plural, significant, time};

/// Between the parts of a headline.
const DOT: &str = " · ";

/// Everything that tells a run from others: `gpt2 · candle · cpu · f32 · batch 1 · 2 threads`.
fn point(spec: &RunSpec) -> Vec<String> {
    let mut parts = vec![
        spec.backend.clone(),
        spec.device.to_string(),
        spec.dtype.to_string(),
        format!("batch{NBSP}{}", spec.batch),
    ];
    parts.extend(spec.seq.map(|seq| format!("seq{NBSP}{seq}")));
    parts.extend(spec.image.map(|side| format!("image{NBSP}{side}×{side}")));
    parts.push(plural(spec.threads, "thread"));
    parts
}

/// The headline of a run.
pub(super) fn what(page: &mut Page, run: &RunRecord) {
    let spec = &run.spec;
    let model = format!("{}{DOT}", spec.model);
    let mut indent = model.chars().count();
    // A path stands on a line of its own.
    let mut lead = model.as_str();
    if indent > page.width() / 2 {
        page.wrapped((Style::Bold, ""), 0, Style::Bold, &model);
        (indent, lead) = (0, "");
    }
    page.wrapped(
        (Style::Bold, lead),
        indent,
        Style::Plain,
        &point(spec).join(DOT),
    );
    let mut parts = Vec::new();
    if let Some(parameters) = run.model.as_ref().and_then(|model| model.parameters) {
        parts.push(format!("{}{NBSP}parameters", count(parameters)));
    }
    parts.push(format!("weights{NBSP}{}", spec.weights));
    parts.push(format!("dataset{NBSP}{}", spec.dataset));
    parts.extend(
        spec.settings
            .iter()
            .map(|(key, value)| format!("{key}={value}")),
    );
    page.wrapped((Style::Dim, ""), 0, Style::Dim, &parts.join(DOT));
}

/// One line for a run that gave no result.
pub(super) fn failure(page: &mut Page, run: &RunRecord) {
    let error = run.error.as_deref().unwrap_or("no reason was recorded");
    let error: Vec<&str> = error.split_whitespace().collect();
    let point = format!(" {}{DOT}{}: ", run.spec.model, point(&run.spec).join(DOT));
    page.line(&[
        (Style::Failure, "FAILED"),
        (Style::Bold, &point),
        (Style::Plain, &error.join(" ")),
    ]);
}

/// The end-to-end latency and how it was sampled.
pub(super) fn latency(page: &mut Page, run: &RunRecord) {
    let Some(latency) = &run.latency else {
        page.labelled("Latency", "not measured");
        return;
    };
    let mut text = format!("{}, {}", time(latency.median_ns), confidence(latency));
    text += &format!(", MAD{NBSP}{}", time(latency.mad_ns));
    if latency.median_ns > 0.0 {
        let rate = run.spec.batch as f64 / (latency.median_ns / 1e9);
        text += &format!(", {}{NBSP}inputs/s", significant(rate, 4));
    }
    page.labelled("Latency", &text);
    page.aside("", &sampling(latency));
    if let Some(turns) = &run.turns {
        page.aside("", &spread(turns));
    }
}

/// How far the medians of several inputs are apart.
fn spread(turns: &Turns) -> String {
    let medians = || turns.inputs.iter().map(|input| input.median_ns);
    let least = medians().fold(f64::INFINITY, f64::min);
    let most = medians().fold(0.0, f64::max);
    format!(
        "{} in turn: medians {} to {}; {} with other sizes",
        plural(turns.inputs.len(), "input"),
        time(least),
        time(most),
        plural(turns.differing.len(), "operator")
    )
}

/// `95% CI [1.340, 1.361] ms (±0.8%)`, or the range where there are too few samples for an interval.
fn confidence(latency: &Latency) -> String {
    let name = match latency.n {
        0..6 => "range".to_owned(),
        _ => format!("95%{NBSP}CI"),
    };
    let width = half_width(latency.ci95_ns, latency.median_ns);
    format!("{name} {} ({width})", interval(latency.ci95_ns))
}

fn sampling(latency: &Latency) -> String {
    let mut text = format!("{}, {}", plural(latency.n, "sample"), stopped(latency.stop));
    text += &format!("; fastest {}", time(latency.min_ns as f64));
    text += &format!("; {}", plural(latency.outliers.len(), "outlier"));
    text += &format!(", {}{NBSP}disturbed", latency.disturbed.len());
    text + &format!("; after {}", plural(latency.warmup_runs, "warm-up run"))
}

/// Why sampling ended.
pub(crate) fn stopped(stop: Stop) -> &'static str {
    match stop {
        Stop::TargetCi => "stopped at the target interval",
        Stop::MaxTime => "stopped at the time limit",
        Stop::MaxSamples => "stopped at the sample limit",
        Stop::Interrupted => "interrupted",
    }
}
