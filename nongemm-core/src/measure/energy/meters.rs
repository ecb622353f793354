//! All energy sensors of a run, read together.

use super::track::Track;
use crate::plugin::EnergyMeter;

/// Open meters, each with the id of its probe, and what their sensors have said.
pub struct Meters {
    open: Vec<(String, Box<dyn EnergyMeter>)>,
    pub(super) tracks: Vec<(String, Track)>,
    buffer: Vec<Option<f64>>,
}

impl Meters {
    /// From opened meters and the ids of their probes.
    pub fn new(open: Vec<(String, Box<dyn EnergyMeter>)>) -> Self {
        let mut meters = Meters {
            open,
            tracks: Vec::new(),
            buffer: Vec::new(),
        };
        meters.restart();
        meters
    }

    /// Whether there is no sensor at all.
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// Forgets what was read.
    pub(super) fn restart(&mut self) {
        self.tracks.clear();
        for (probe, meter) in &self.open {
            let sensors = meter.sensors().iter();
            let tracks = sensors.map(|sensor| (probe.clone(), Track::new(sensor.clone())));
            self.tracks.extend(tracks);
        }
    }

    /// Reads every sensor; `now` tells the time after each meter, whose reading takes a while.
    pub(super) fn poll(&mut self, now: &dyn Fn() -> u64) {
        let mut tracks = self.tracks.iter_mut();
        for (_, meter) in &mut self.open {
            self.buffer.clear();
            let before = now();
            meter.read(&mut self.buffer);
            let middle = before + (now() - before) / 2;
            self.buffer.resize(meter.sensors().len(), None);
            for (value, (_, track)) in self.buffer.iter().zip(&mut tracks) {
                track.push(middle, *value);
            }
        }
    }

    pub(super) fn joules(&self) -> Vec<f64> {
        self.tracks
            .iter()
            .map(|(_, track)| track.joules())
            .collect()
    }
}
