//! The probe `rack`: a temperature in degrees Celsius, as a management controller's agent writes it to a file.

use std::time::Duration;

use nongemm_core::plugin::{Availability, HardwareProbe, Quantity, Reading, Sampler};

struct Rack;

nongemm_core::register!(dyn HardwareProbe, &Rack);

fn temperature() -> Option<f64> {
    let file = std::env::var("RACK_TEMPERATURE").ok()?;
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

impl HardwareProbe for Rack {
    fn id(&self) -> &'static str {
        "rack"
    }

    fn summary(&self) -> &'static str {
        "temperature of the rack"
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[Quantity::TemperatureC]
    }

    fn check(&self) -> Availability {
        let missing = || Availability::missing("no agent", "name its file in RACK_TEMPERATURE");
        temperature().map_or_else(missing, |celsius| Availability::ready(celsius.to_string()))
    }

    fn start(&self, _: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        Ok(Box::new(Rack))
    }
}

impl Sampler for Rack {
    fn read(&mut self, out: &mut Vec<Reading>) {
        let quantity = Quantity::TemperatureC;
        out.extend(temperature().map(|value| Reading { quantity, value }));
    }
}
