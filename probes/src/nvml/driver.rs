//! Cards of NVIDIA's driver.

use std::sync::OnceLock;

use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::card::{Card, Cards, Refused};

/// The library, loaded once for the process.
static LIBRARY: OnceLock<Result<Nvml, String>> = OnceLock::new();

/// All cards that the driver shows.
pub(super) fn cards() -> Result<Cards, String> {
    let library = LIBRARY
        .get_or_init(|| Nvml::init().map_err(reason))
        .as_ref();
    let library = library.map_err(String::clone)?;
    let count = library.device_count().map_err(reason)?;
    let mut cards = Cards::new();
    for index in 0..count {
        let device = library.device_by_index(index).map_err(reason)?;
        cards.push(Box::new(DriverCard(device)));
    }
    Ok(cards)
}

fn reason(error: NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => {
            "libnvidia-ml.so.1 cannot be loaded".to_owned()
        }
        other => format!("the driver refuses: {other}"),
    }
}

struct DriverCard(Device<'static>);

fn answer<T>(answer: Result<T, NvmlError>) -> Result<T, Refused> {
    answer.map_err(|error| match error {
        NvmlError::NotSupported => Refused::NotSupported,
        other => Refused::Other(other.to_string()),
    })
}

/// What holds the clock down, other than a user's setting or having nothing to do.
fn slowed() -> ThrottleReasons {
    ThrottleReasons::SW_POWER_CAP
        | ThrottleReasons::HW_SLOWDOWN
        | ThrottleReasons::HW_THERMAL_SLOWDOWN
        | ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN
        | ThrottleReasons::SW_THERMAL_SLOWDOWN
}

impl Card for DriverCard {
    fn name(&self) -> String {
        self.0.name().unwrap_or_else(|_| "GPU".to_owned())
    }

    fn energy_mj(&self) -> Result<u64, Refused> {
        answer(self.0.total_energy_consumption())
    }

    fn power_mw(&self) -> Result<u32, Refused> {
        answer(self.0.power_usage())
    }

    fn clock_mhz(&self) -> Result<u32, Refused> {
        answer(self.0.clock_info(Clock::SM))
    }

    fn temperature_c(&self) -> Result<u32, Refused> {
        answer(self.0.temperature(TemperatureSensor::Gpu))
    }

    fn throttled(&self) -> Result<bool, Refused> {
        let reasons = answer(self.0.current_throttle_reasons())?;
        Ok(reasons.intersects(slowed()))
    }

    fn utilisation_percent(&self) -> Result<u32, Refused> {
        Ok(answer(self.0.utilization_rates())?.gpu)
    }

    fn memory_bytes(&self) -> Result<u64, Refused> {
        Ok(answer(self.0.memory_info())?.used)
    }
}
