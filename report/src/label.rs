//! What tells runs apart, in few words: `cpu f32 b8`.

use nongemm_core::record::{RunRecord, RunSpec};

/// A part of a specification: its name and its text.
pub(crate) type Part = (&'static str, fn(&RunSpec) -> String);

/// Every part but the model, in the order in which they are read.
const PARTS: [Part; 10] = [
    ("flow", |spec| spec.backend.clone()),
    ("device", |spec| spec.device.to_string()),
    ("dtype", |spec| spec.dtype.to_string()),
    ("batch", |spec| format!("b{}", spec.batch)),
    ("seq", |spec| {
        spec.seq
            .map_or_else(String::new, |seq| format!("seq {seq}"))
    }),
    ("image", |spec| {
        spec.image
            .map_or_else(String::new, |side| format!("{side} px"))
    }),
    ("threads", |spec| format!("{} threads", spec.threads)),
    ("weights", |spec| spec.weights.clone()),
    ("dataset", |spec| spec.dataset.clone()),
    ("settings", settings),
];

fn settings(spec: &RunSpec) -> String {
    let pairs = spec
        .settings
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(" ")
}

/// The parts in which runs of one model differ, without those named.
pub(crate) fn differing(runs: &[&RunRecord], without: &[&str]) -> Vec<Part> {
    let differs = |(name, text): &Part| {
        let mut seen: Vec<(&str, String)> = Vec::new();
        !without.contains(name)
            && runs.iter().any(|run| {
                let own = text(&run.spec);
                match seen.iter().find(|(model, _)| *model == run.spec.model) {
                    Some((_, first)) => *first != own,
                    None => {
                        seen.push((&run.spec.model, own));
                        false
                    }
                }
            })
    };
    PARTS.into_iter().filter(differs).collect()
}

/// The label of a run.
pub(crate) fn of(run: &RunRecord, parts: &[Part]) -> String {
    let texts = parts.iter().map(|(_, text)| text(&run.spec));
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(" ")
}
