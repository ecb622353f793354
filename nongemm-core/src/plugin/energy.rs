//! Energy sensors: what probes offer to those who measure energy.

/// What an energy sensor gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnergyKind {
    /// Joules since some start; it only grows, and wrap-around of the hardware is already undone.
    Counter,
    /// Watts at this moment.
    Power,
}

/// One sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergySensor {
    /// Its name, unique in its probe.
    pub name: String,
    /// What it covers: sensors of the same domain measure the same energy and can be compared.
    pub domain: String,
    /// The sensor that this one is a part of: the two are not to be added.
    pub part_of: Option<String>,
    /// What it gives.
    pub kind: EnergyKind,
    /// The smallest step of its values, in joules or watts.
    pub resolution: f64,
}

/// Open energy sensors of one probe.
pub trait EnergyMeter: Send {
    /// The sensors, always the same ones.
    fn sensors(&self) -> &[EnergySensor];

    /// Appends the value of each sensor, in order; `None` where it cannot be read now.
    fn read(&mut self, values: &mut Vec<Option<f64>>);
}
