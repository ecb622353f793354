//! From windows to the rows of a record.

use super::meters::Meters;
use super::track::Track;
use super::{EnergyPlan, EnergyResult, PERIODS, Window};
use crate::plugin::EnergyKind;
use crate::record::{EnergyRow, Reconciled};

/// Two sensors of one thing that are further apart than this are not to be trusted.
const DISAGREE_ABOVE: f64 = 0.05;

pub(super) fn rows(
    meters: &Meters,
    plan: &EnergyPlan,
    idle: &[Window],
    load: &[Window],
) -> EnergyResult {
    let mut result = EnergyResult::default();
    let mut domains = Vec::new();
    for (index, (probe, track)) in meters.tracks.iter().enumerate() {
        match distrust(track, plan) {
            Some(reason) => {
                let name = &track.sensor.name;
                result.left_out.push(format!("{probe} {name}: {reason}"));
            }
            None => {
                result.rows.push(row(probe, track, index, idle, load));
                domains.push(&track.sensor.domain);
            }
        }
    }
    for index in 0..result.rows.len() {
        let others = (0..result.rows.len()).filter(|other| *other != index);
        let other = { others }.find(|other| domains[*other] == domains[index]);
        result.rows[index].reconciled =
            other.map(|other| reconcile(&result.rows[index], &result.rows[other]));
    }
    result
}

/// Why a sensor's numbers are not to be used.
fn distrust(track: &Track, plan: &EnergyPlan) -> Option<String> {
    if track.lost {
        return Some("it could not be read all the time".to_owned());
    }
    if !track.moves() {
        return Some("it stood still".to_owned());
    }
    let Some(period_ns) = track.period_ns() else {
        return Some("it changed only once".to_owned());
    };
    let needed = PERIODS * period_ns * 1e-9;
    let longest = plan.longest.as_secs_f64();
    (needed > longest).then(|| {
        format!(
            "it is updated every {:.1} s, which needs windows of {needed:.0} s; the longest is {longest:.0} s",
            needed / PERIODS
        )
    })
}

fn row(probe: &str, track: &Track, index: usize, idle: &[Window], load: &[Window]) -> EnergyRow {
    let seconds = |window: &Window| window.ns as f64 * 1e-9;
    let watts = |window: &Window| window.joules[index] / seconds(window);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let idle_w = mean(&idle.iter().map(watts).collect::<Vec<_>>());
    let inferences: u64 = load.iter().map(|window| window.inferences).sum();
    let count = inferences.max(1) as f64;
    let joules: f64 = load.iter().map(|window| window.joules[index]).sum();
    let time: f64 = load.iter().map(seconds).sum();
    let each = load.iter().map(|window| {
        let count = window.inferences.max(1) as f64;
        window.joules[index] / count
    });
    let sensor = &track.sensor;
    let (unit, source) = match sensor.kind {
        EnergyKind::Counter => ("J", "counter"),
        EnergyKind::Power => ("W", "integrated power"),
    };
    EnergyRow {
        probe: probe.to_owned(),
        gross_j_per_inference: joules / count,
        idle_w,
        net_j_per_inference: (joules - idle_w * time) / count,
        windows: load.len(),
        resolution: format!("{} {unit}", sensor.resolution),
        sensor: sensor.name.clone(),
        part_of: sensor.part_of.clone(),
        source: source.to_owned(),
        update_period_ns: track.period_ns(),
        window_ns: load.iter().map(|window| window.ns).collect(),
        inferences,
        gross_j_by_window: each.collect(),
        idle_w_by_window: idle.iter().map(watts).collect(),
        reconciled: None,
    }
}

fn reconcile(row: &EnergyRow, other: &EnergyRow) -> Reconciled {
    let (one, two) = (row.gross_j_per_inference, other.gross_j_per_inference);
    let difference = (one - two) / two;
    Reconciled {
        probe: other.probe.clone(),
        sensor: other.sensor.clone(),
        difference,
        agrees: difference.abs() <= DISAGREE_ABOVE,
    }
}
