//! Measurement: clock, recorder, sampling, and what disturbs it.

mod batch;
mod clock;
mod energy;
mod latency;
mod noise;
mod plan;
mod quiet;
mod recorder;

pub use batch::{Call, Series, sample, time_batched};
pub use clock::{Clock, ClockCost, Monotonic, clock_cost};
pub use energy::{EnergyPlan, EnergyResult, EnergySetup, Meters, measure_energy};
pub use latency::{LatencyProfiler, Measurement, StepShapes, StepTimes, capture_shapes, warm_up};
pub use noise::{Probes, SampleNoise, growth, is_disturbed, others_ns};
pub use plan::{Limits, SamplePlan, Stop};
pub use quiet::{Waited, wait_quiet};
pub use recorder::{Mode, Recorder, StepEvent};
