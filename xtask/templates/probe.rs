//! The probe `my-plugin`: what the machine does while something is measured.

use std::fs;
use std::time::Duration;

use nongemm_core::plugin::{Availability, HardwareProbe, Quantity, Reading, Sampler};
use nongemm_core::register;

const FILE: &str = "/proc/loadavg";

/// Reads the load average; read your own sensor instead. It is read between samples, never while the clock runs.
#[derive(Debug)]
pub struct MyPlugin;

register!(dyn HardwareProbe, &MyPlugin);

/// What cannot be read gives no reading, never a zero.
fn load() -> Option<f64> {
    let text = fs::read_to_string(FILE).ok()?;
    text.split(' ').next()?.parse().ok()
}

impl HardwareProbe for MyPlugin {
    fn id(&self) -> &'static str {
        "my-plugin"
    }

    fn summary(&self) -> &'static str {
        "load average of the machine"
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[Quantity::LoadAverage]
    }

    fn check(&self) -> Availability {
        match load() {
            Some(_) => Availability::ready(FILE),
            None => Availability::missing(format!("no {FILE}"), "run on Linux"),
        }
    }

    fn start(&self, _period: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        Ok(Box::new(MyPlugin))
    }
}

impl Sampler for MyPlugin {
    fn read(&mut self, out: &mut Vec<Reading>) {
        let quantity = Quantity::LoadAverage;
        out.extend(load().map(|value| Reading { quantity, value }));
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::plugin::Plugins;

    use super::*;

    #[test]
    fn it_is_registered_and_reads_what_it_says() {
        let plugins = Plugins::collect().unwrap();
        let probe = plugins.probes.get("my-plugin").unwrap();
        let mut readings = Vec::new();
        let mut sampler = probe.start(Duration::from_millis(100)).unwrap();
        sampler.read(&mut readings);
        assert_eq!(readings.len(), usize::from(probe.check().is_ready()));
    }
}
