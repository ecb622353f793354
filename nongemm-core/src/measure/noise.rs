//! What disturbed a sample: differences of probe counters around it.

use std::collections::BTreeMap;

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

/// Whether something outside the process held up a sample of `wall_ns`: the hypervisor took more than 1%
/// of it, or a page had to come from the disk. Involuntary context switches are recorded but say
/// nothing here: a library's own threads also take processors from each other.
pub fn is_disturbed(growth: &BTreeMap<Quantity, f64>, wall_ns: u64) -> bool {
    let of = |quantity| growth.get(&quantity).copied().unwrap_or(0.0);
    of(Quantity::StealNs) > 0.01 * wall_ns as f64 || of(Quantity::MajorPageFaults) > 0.0
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
