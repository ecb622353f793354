//! What else differs between two runs: machine, software, types, settings.

use std::collections::{BTreeMap, BTreeSet};

use nongemm_core::record::RunRecord;
use serde::Serialize;

/// Something that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `cpu`, `threads`, `library torch`.
    pub what: String,
    /// On the side of BASE; several values if its records differ.
    pub base: String,
    /// On the side of NEW.
    pub new: String,
}

/// Everything that describes a run and can differ between runs that are compared.
fn facts(run: &RunRecord) -> Vec<(String, String)> {
    let (spec, machine, software) = (&run.spec, &run.machine, &run.software);
    let gib = machine.memory as f64 / (1u64 << 30) as f64;
    let plain = [
        ("backend", spec.backend.clone()),
        ("device", spec.device.to_string()),
        ("dtype", spec.dtype.to_string()),
        ("threads", spec.threads.to_string()),
        ("weights", spec.weights.clone()),
        ("dataset", spec.dataset.clone()),
        ("cpu", machine.cpu.clone()),
        ("cores", machine.cores.to_string()),
        ("memory", format!("{gib:.0} GiB")),
        ("gpu", machine.gpu.join(", ")),
        ("system", machine.os.clone()),
        ("governor", machine.governor.clone().unwrap_or_default()),
        ("nongemm", software.nongemm.clone()),
    ];
    let mut facts: Vec<(String, String)> = plain
        .into_iter()
        .map(|(what, value)| (what.to_owned(), value))
        .collect();
    let maps: [(&str, &BTreeMap<String, String>); 3] = [
        ("setting", &spec.settings),
        ("library", &software.libraries),
        ("mode", &software.modes),
    ];
    for (kind, map) in maps {
        let named = map.iter();
        facts.extend(named.map(|(name, value)| (format!("{kind} {name}"), value.clone())));
    }
    facts
}

/// What differs, in the order in which runs are described.
pub(super) fn between(base: &[&RunRecord], new: &[&RunRecord]) -> Vec<Difference> {
    let mut order: Vec<String> = Vec::new();
    let mut values: BTreeMap<String, [BTreeSet<String>; 2]> = BTreeMap::new();
    for (side, runs) in [base, new].into_iter().enumerate() {
        for (what, value) in runs.iter().flat_map(|run| facts(run)) {
            let entry = values.entry(what.clone()).or_insert_with(|| {
                order.push(what);
                Default::default()
            });
            entry[side].insert(value);
        }
    }
    let shown = |set: &BTreeSet<String>| -> String {
        let values: Vec<&str> = set.iter().map(String::as_str).collect();
        let text = values.join(" or ");
        if text.is_empty() {
            "none".to_owned()
        } else {
            text
        }
    };
    let differing = order.into_iter().filter_map(|what| {
        let [base, new] = values.get(&what)?;
        (base != new).then(|| Difference {
            base: shown(base),
            new: shown(new),
            what,
        })
    });
    differing.collect()
}
