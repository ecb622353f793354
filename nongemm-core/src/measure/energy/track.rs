//! What one sensor has said so far.

use crate::plugin::{EnergyKind, EnergySensor};
use crate::stats;

/// A sensor's energy since it was first read, and how often its value changes.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) sensor: EnergySensor,
    last: Option<(u64, f64)>,
    changed_at: Option<u64>,
    /// Times between changes of the value, in nanoseconds.
    intervals: Vec<f64>,
    joules: f64,
    /// Set when a value is missing or a counter goes back: nothing can be said any more.
    pub(super) lost: bool,
}

impl Track {
    pub(super) fn new(sensor: EnergySensor) -> Self {
        Track {
            sensor,
            last: None,
            changed_at: None,
            intervals: Vec::new(),
            joules: 0.0,
            lost: false,
        }
    }

    /// Takes the value at time `now`. Power is integrated by the trapezoidal rule.
    pub(super) fn push(&mut self, now: u64, value: Option<f64>) {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            self.lost = true;
            return;
        };
        if let Some((then, before)) = self.last {
            match self.sensor.kind {
                EnergyKind::Counter => {
                    self.lost |= value < before;
                    self.joules += value - before;
                }
                EnergyKind::Power => {
                    self.joules += 0.5 * (value + before) * (now - then) as f64 * 1e-9;
                }
            }
            if value != before {
                if let Some(at) = self.changed_at {
                    self.intervals.push((now - at) as f64);
                }
                self.changed_at = Some(now);
            }
        }
        self.last = Some((now, value));
    }

    /// Joules since the first value.
    pub(super) fn joules(&self) -> f64 {
        self.joules
    }

    /// The median time between changes; `None` if fewer than two were seen. It is never shorter than the
    /// time between readings.
    pub(super) fn period_ns(&self) -> Option<f64> {
        stats::median(&self.intervals)
    }

    /// Whether a change was seen at all.
    pub(super) fn moves(&self) -> bool {
        self.changed_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(kind: EnergyKind) -> Track {
        Track::new(EnergySensor {
            name: "s".to_owned(),
            domain: "d".to_owned(),
            part_of: None,
            kind,
            resolution: 1e-6,
        })
    }

    #[test]
    fn power_is_integrated_and_counters_are_subtracted() {
        let mut power = track(EnergyKind::Power);
        for (t, watts) in [(0, 10.0), (500_000_000, 20.0), (1_500_000_000, 20.0)] {
            power.push(t, Some(watts));
        }
        assert!((power.joules() - 27.5).abs() < 1e-9);
        let mut counter = track(EnergyKind::Counter);
        for (t, joules) in [(0, 100.0), (1, 100.0), (2, 103.5)] {
            counter.push(t, Some(joules));
        }
        assert!((counter.joules() - 3.5).abs() < 1e-9);
        assert!(counter.moves() && !counter.lost);
    }

    #[test]
    fn the_update_period_is_the_time_between_changes() {
        let mut counter = track(EnergyKind::Counter);
        for ms in 0..200u64 {
            counter.push(ms * 1_000_000, Some((ms / 20) as f64));
        }
        assert_eq!(counter.period_ns(), Some(20e6));
    }

    #[test]
    fn a_counter_that_goes_back_or_vanishes_says_nothing() {
        let mut counter = track(EnergyKind::Counter);
        counter.push(0, Some(5.0));
        counter.push(1, Some(4.0));
        assert!(counter.lost);
        let mut gone = track(EnergyKind::Power);
        gone.push(0, None);
        assert!(gone.lost);
        let mut still = track(EnergyKind::Counter);
        (0..9).for_each(|t| still.push(t, Some(7.0)));
        assert!(!still.moves());
    }
}
