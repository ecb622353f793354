//! Measurement: clock, recorder, sampling, and what disturbs it.

mod batch;
mod clock;
mod latency;
mod noise;
mod plan;
mod recorder;

pub use batch::{Call, Series, sample, time_batched};
pub use clock::{Clock, ClockCost, Monotonic, clock_cost};
pub use latency::{LatencyProfiler, Measurement, StepShapes, StepTimes, capture_shapes, warm_up};
pub use noise::{Probes, growth, is_disturbed};
pub use plan::{Limits, SamplePlan, Stop};
pub use recorder::{Mode, Recorder, StepEvent};
