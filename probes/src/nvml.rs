//! The probe `nvml`: NVIDIA GPUs through the driver's management library, which is loaded when the probe
//! is asked for the first time. A machine without the driver has a reason, no error.

mod card;
mod driver;

use std::time::Duration;

use nongemm_core::plugin::{
    Availability, EnergyKind, EnergyMeter, EnergySensor, HardwareProbe, Quantity, Reading, Sampler,
};
use nongemm_core::register;

pub use self::card::{Card, Cards, Refused};

/// Energy, power, clocks, temperature, throttling, utilisation and memory of GPUs.
#[derive(Debug)]
pub struct NvmlProbe {
    cards: fn() -> Result<Cards, String>,
}

static NVML: NvmlProbe = NvmlProbe {
    cards: driver::cards,
};
register!(dyn HardwareProbe, &NVML);

impl NvmlProbe {
    /// A probe of other cards than the driver's.
    pub fn of(cards: fn() -> Result<Cards, String>) -> Self {
        NvmlProbe { cards }
    }

    fn found(&self) -> anyhow::Result<Cards> {
        let cards = (self.cards)().map_err(|reason| anyhow::anyhow!("probe nvml: {reason}"))?;
        anyhow::ensure!(!cards.is_empty(), "probe nvml: the driver finds no GPU");
        Ok(cards)
    }
}

impl HardwareProbe for NvmlProbe {
    fn id(&self) -> &'static str {
        "nvml"
    }

    fn summary(&self) -> &'static str {
        "energy, power, clock, temperature, throttling, utilisation and memory of NVIDIA GPUs"
    }

    fn quantities(&self) -> &'static [Quantity] {
        &[
            Quantity::EnergyJ,
            Quantity::DevicePowerW,
            Quantity::DeviceClockHz,
            Quantity::DeviceTemperatureC,
            Quantity::DeviceThrottled,
            Quantity::DeviceUtilisation,
            Quantity::DeviceMemoryBytes,
        ]
    }

    fn check(&self) -> Availability {
        match (self.cards)() {
            Err(reason) => Availability::missing(reason, "install NVIDIA's driver"),
            Ok(cards) if cards.is_empty() => {
                Availability::missing("the driver finds no GPU", "give this container or job one")
            }
            Ok(cards) => {
                let all: Vec<String> = cards.iter().map(|card| describe(card.as_ref())).collect();
                Availability::ready(all.join(", "))
            }
        }
    }

    fn start(&self, period: Duration) -> anyhow::Result<Box<dyn Sampler>> {
        Ok(Box::new(NvmlSampler {
            cards: self.found()?,
            period,
            last: None,
            gauges: Vec::new(),
        }))
    }

    fn energy(&self) -> anyhow::Result<Option<Box<dyn EnergyMeter>>> {
        let cards = self.found()?;
        let sensors = sensors(&cards);
        let sources: Vec<Source> = sensors.iter().map(|(_, source)| *source).collect();
        Ok(Some(Box::new(NvmlMeter {
            cards,
            sources,
            sensors: sensors.into_iter().map(|(sensor, _)| sensor).collect(),
        })))
    }
}

fn describe(card: &dyn Card) -> String {
    let counter = match card.energy_mj() {
        Ok(_) => "",
        Err(Refused::NotSupported) => " (no energy counter)",
        Err(Refused::Other(_)) => " (energy counter refused)",
    };
    format!("{}{counter}", card.name())
}

/// Which value of which card a sensor is.
#[derive(Clone, Copy, Debug)]
enum Source {
    Energy(usize),
    Power(usize),
}

/// Of each card the counter and the power, as far as it has them: two sensors of one thing.
fn sensors(cards: &Cards) -> Vec<(EnergySensor, Source)> {
    let mut sensors = Vec::new();
    for (index, card) in cards.iter().enumerate() {
        let sensor = |name: &str, kind| EnergySensor {
            name: format!("gpu-{index}/{name}"),
            domain: format!("gpu-{index}"),
            part_of: None,
            kind,
            resolution: 1e-3,
        };
        if card.energy_mj().is_ok() {
            let counter = sensor("energy", EnergyKind::Counter);
            sensors.push((counter, Source::Energy(index)));
        }
        if card.power_mw().is_ok() {
            let power = sensor("power", EnergyKind::Power);
            sensors.push((power, Source::Power(index)));
        }
    }
    sensors
}

struct NvmlMeter {
    cards: Cards,
    sources: Vec<Source>,
    sensors: Vec<EnergySensor>,
}

impl EnergyMeter for NvmlMeter {
    fn sensors(&self) -> &[EnergySensor] {
        &self.sensors
    }

    fn read(&mut self, values: &mut Vec<Option<f64>>) {
        values.extend(self.sources.iter().map(|source| {
            match *source {
                Source::Energy(card) => {
                    self.cards[card].energy_mj().ok().map(|mj| mj as f64 * 1e-3)
                }
                Source::Power(card) => self.cards[card]
                    .power_mw()
                    .ok()
                    .map(|mw| f64::from(mw) * 1e-3),
            }
        }));
    }
}

/// Gauges, at most once in a period, of all cards together: the highest of each.
struct NvmlSampler {
    cards: Cards,
    period: Duration,
    last: Option<std::time::Instant>,
    gauges: Vec<Reading>,
}

impl Sampler for NvmlSampler {
    fn read(&mut self, out: &mut Vec<Reading>) {
        if self.last.is_none_or(|last| last.elapsed() >= self.period) {
            self.last = Some(std::time::Instant::now());
            self.gauges.clear();
            for card in self.cards.iter() {
                let mut push = |quantity, value: Result<f64, Refused>| {
                    let reading = value.ok().map(|value| Reading { quantity, value });
                    self.gauges.extend(reading);
                };
                let power = card.power_mw();
                push(Quantity::DevicePowerW, power.map(|mw| f64::from(mw) * 1e-3));
                let clock = card.clock_mhz();
                push(
                    Quantity::DeviceClockHz,
                    clock.map(|mhz| f64::from(mhz) * 1e6),
                );
                push(
                    Quantity::DeviceTemperatureC,
                    card.temperature_c().map(f64::from),
                );
                let throttled = card.throttled();
                push(
                    Quantity::DeviceThrottled,
                    throttled.map(|yes| f64::from(u8::from(yes))),
                );
                let busy = card.utilisation_percent();
                push(
                    Quantity::DeviceUtilisation,
                    busy.map(|percent| f64::from(percent) / 100.0),
                );
                push(
                    Quantity::DeviceMemoryBytes,
                    card.memory_bytes().map(|bytes| bytes as f64),
                );
            }
        }
        out.extend_from_slice(&self.gauges);
    }
}
