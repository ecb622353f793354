//! Energy of a model's groups, from its operators alone: what each call takes when it runs again and again,
//! weighted by how often the model makes it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::conditions::{Energy, EnergyRow};
use super::in_model::{comparable, key_of};
use super::micro::{MicroEntry, MicroRecord};
use super::profile::Profile;
use super::schema::RunRecord;
use crate::op::OpGroup;

/// Energy of one run's groups by one sensor, joules per inference above idle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEnergy {
    /// The id of the run.
    pub run: String,
    /// Its model.
    pub model: String,
    /// The sensor's probe.
    pub probe: String,
    /// The sensor's name in its probe.
    pub sensor: String,
    /// Each group's calls alone.
    pub groups: BTreeMap<OpGroup, f64>,
    /// The share of the operators' time in the model that these calls have; the energy of the others is not
    /// known.
    pub covered: f64,
    /// The whole model, measured as one.
    pub whole_j: f64,
    /// The whole model less all groups: what lies between the operators, what is not covered, and what
    /// operators take more or less in a model than alone.
    pub residual_j: f64,
}

/// Fills [`MicroRecord::group_energy`] for the runs that a record can be compared with and whose energy was
/// measured by the same sensors.
pub fn weigh(record: &mut MicroRecord, runs: &[RunRecord]) {
    let by_key: HashMap<String, &MicroEntry> =
        record.entries.iter().map(|e| (e.key(), e)).collect();
    let mut all = Vec::new();
    for run in runs.iter().filter(|run| comparable(&record.spec, run)) {
        let (Some(profile), Some(Energy::Measured(rows))) = (&run.profile, &run.energy) else {
            continue;
        };
        let found = rows
            .iter()
            .filter_map(|row| of_run(run, profile, row, &by_key));
        all.extend(found);
    }
    record.group_energy = all;
}

fn of_run(
    run: &RunRecord,
    profile: &Profile,
    whole: &EnergyRow,
    entries: &HashMap<String, &MicroEntry>,
) -> Option<GroupEnergy> {
    let same = |row: &&EnergyRow| (&row.probe, &row.sensor) == (&whole.probe, &whole.sensor);
    let mut groups: BTreeMap<OpGroup, f64> = BTreeMap::new();
    let (mut known, mut total) = (0.0, 0.0);
    for row in &profile.ops {
        let time = profile.time_of(row);
        total += time;
        let times = entries.get(&key_of(row)).and_then(|e| e.outcome.times());
        let energy = times.and_then(|times| times.energy.iter().find(same));
        let Some(energy) = energy else { continue };
        known += time;
        *groups.entry(row.group).or_default() += energy.net_j_per_inference;
    }
    let sum: f64 = groups.values().sum();
    (!groups.is_empty()).then(|| GroupEnergy {
        run: run.id.clone(),
        model: run.spec.model.clone(),
        probe: whole.probe.clone(),
        sensor: whole.sensor.clone(),
        groups,
        covered: if total > 0.0 { known / total } else { 0.0 },
        whole_j: whole.net_j_per_inference,
        residual_j: whole.net_j_per_inference - sum,
    })
}
