//! What disturbed a sample: differences of probe counters around it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plugin::{Quantity, Reading, Sampler};

/// Reads all started probes.
#[derive(Default)]
pub struct Probes {
    samplers: Vec<Box<dyn Sampler>>,
    buffer: Vec<Reading>,
}

impl Probes {
    /// From started samplers.
    pub fn new(samplers: Vec<Box<dyn Sampler>>) -> Self {
        Probes {
            samplers,
            buffer: Vec::new(),
        }
    }

    /// The current value of every quantity. Several probes for one quantity: the largest.
    pub fn read(&mut self) -> BTreeMap<Quantity, f64> {
        self.buffer.clear();
        for sampler in &mut self.samplers {
            sampler.read(&mut self.buffer);
        }
        let mut values = BTreeMap::new();
        for reading in &self.buffer {
            let value = values.entry(reading.quantity).or_insert(reading.value);
            *value = reading.value.max(*value);
        }
        values
    }
}

/// By how much the counters grew between two readings.
pub fn growth(
    before: &BTreeMap<Quantity, f64>,
    after: &BTreeMap<Quantity, f64>,
) -> BTreeMap<Quantity, f64> {
    after
        .iter()
        .filter(|(quantity, _)| quantity.is_counter())
        .filter_map(|(quantity, value)| {
            before
                .get(quantity)
                .map(|earlier| (*quantity, value - earlier))
        })
        .collect()
}

/// Time that processors worked for other processes, from the growth of the counters; `None` where the
/// machine does not tell. The system counts it in ticks of some milliseconds.
pub fn others_ns(growth: &BTreeMap<Quantity, f64>) -> Option<f64> {
    let busy = growth.get(&Quantity::BusyNs)?;
    let own = growth.get(&Quantity::CpuTimeNs)?;
    Some((busy - own).max(0.0))
}

/// What happened during one sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SampleNoise {
    /// Position of the sample.
    pub sample: usize,
    /// Time that the hypervisor took.
    pub steal_ns: f64,
    /// Time that processors worked for others.
    pub others_ns: f64,
    /// Times the scheduler took a processor away.
    pub switches: f64,
    /// Page faults that needed the disk.
    pub major_faults: f64,
}

impl SampleNoise {
    /// From the growth of the counters during a sample; `None` if nothing happened.
    pub fn of(sample: usize, growth: &BTreeMap<Quantity, f64>, wall_ns: u64) -> Option<Self> {
        let of = |quantity| growth.get(&quantity).copied().unwrap_or(0.0);
        let noise = SampleNoise {
            sample,
            steal_ns: of(Quantity::StealNs),
            others_ns: others_ns(growth)
                .filter(|ns| are_felt(*ns, wall_ns))
                .unwrap_or(0.0),
            switches: of(Quantity::InvoluntaryContextSwitches),
            major_faults: of(Quantity::MajorPageFaults),
        };
        let nothing = SampleNoise {
            sample,
            ..SampleNoise::default()
        };
        (noise != nothing).then_some(noise)
    }
}

/// Whether others used a tenth of a processor or more, and more than the ticks that it is counted in.
fn are_felt(others_ns: f64, wall_ns: u64) -> bool {
    const TICKS_NS: f64 = 3e7;
    others_ns > TICKS_NS && others_ns > 0.1 * wall_ns as f64
}

/// Whether something outside the process held up a sample of `wall_ns`: the hypervisor took more than 1%
/// of it, other processes used a tenth of a processor, or a page had to come from the disk. Involuntary context switches are recorded but say
/// nothing here: a library's own threads also take processors from each other.
pub fn is_disturbed(growth: &BTreeMap<Quantity, f64>, wall_ns: u64) -> bool {
    let of = |quantity| growth.get(&quantity).copied().unwrap_or(0.0);
    of(Quantity::StealNs) > 0.01 * wall_ns as f64
        || of(Quantity::MajorPageFaults) > 0.0
        || others_ns(growth).is_some_and(|ns| are_felt(ns, wall_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counters_grow_and_a_steal_is_a_disturbance() {
        let before = BTreeMap::from([(Quantity::StealNs, 5e6), (Quantity::LoadAverage, 1.0)]);
        let after = BTreeMap::from([(Quantity::StealNs, 15e6), (Quantity::LoadAverage, 2.0)]);
        let grown = growth(&before, &after);
        assert_eq!(grown, BTreeMap::from([(Quantity::StealNs, 1e7)]));
        assert!(is_disturbed(&grown, 100_000_000));
        assert!(!is_disturbed(&grown, 2_000_000_000));
        assert!(!is_disturbed(&BTreeMap::new(), 1_000));
    }
}
