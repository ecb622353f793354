//! Records what a session does, step by step.

use super::clock::Clock;
use crate::shape::TensorSpec;

/// CUDA's events tick in half microseconds, so that the times of steps add up to the run's only within
/// that much for each.
const EVENT_RESOLUTION_NS: u64 = 500;

/// What a recorder asks of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing but the wall time: for end-to-end latency.
    Off,
    /// The time of every step.
    Timing,
    /// The shapes that every step really produces; not for timing.
    Shapes,
}

/// The host time of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepEvent {
    /// Index into the session's steps.
    pub step: u32,
    /// Clock at the start.
    pub start: u64,
    /// Clock at the end.
    pub end: u64,
}

/// Collects the events of one run. All memory is reserved before the run starts.
pub struct Recorder<'c> {
    clock: &'c dyn Clock,
    mode: Mode,
    begin: u64,
    end: u64,
    events: Vec<StepEvent>,
    device_ns: Vec<(u32, u64)>,
    device_wall_ns: Option<u64>,
    shapes: Vec<(u32, Vec<TensorSpec>)>,
}

impl<'c> Recorder<'c> {
    /// A recorder with room for `steps` events.
    pub fn new(clock: &'c dyn Clock, mode: Mode, steps: usize) -> Self {
        let capacity = if mode == Mode::Off { 0 } else { steps };
        Recorder {
            clock,
            mode,
            begin: 0,
            end: 0,
            events: Vec::with_capacity(capacity),
            device_ns: Vec::with_capacity(capacity),
            device_wall_ns: None,
            shapes: Vec::new(),
        }
    }

    /// What to record.
    #[inline]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The clock.
    #[inline]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Starts a run: forgets the last one and notes the time.
    #[inline]
    pub fn begin(&mut self) {
        self.events.clear();
        self.device_ns.clear();
        self.device_wall_ns = None;
        self.shapes.clear();
        self.begin = self.clock.now();
    }

    /// Ends the run.
    #[inline]
    pub fn end(&mut self) {
        self.end = self.clock.now();
    }

    /// Ends a run that its library timed by itself: as long after the start as it says.
    pub fn end_after(&mut self, wall_ns: u64) {
        self.end = self.begin + wall_ns;
    }

    /// Clock at the start of the run.
    pub fn start(&self) -> u64 {
        self.begin
    }

    /// Notes that a step ran on the host from `start` to `end`.
    #[inline]
    pub fn push(&mut self, step: u32, start: u64, end: u64) {
        self.events.push(StepEvent { step, start, end });
    }

    /// Notes how long a step ran on the device. Called after the run, once the device has answered.
    pub fn push_device(&mut self, step: u32, ns: u64) {
        self.device_ns.push((step, ns));
    }

    /// Notes how long the whole run took on the device.
    pub fn set_device_wall(&mut self, ns: u64) {
        self.device_wall_ns = Some(ns);
    }

    /// Notes what a step produced.
    pub fn push_shapes(&mut self, step: u32, outputs: Vec<TensorSpec>) {
        self.shapes.push((step, outputs));
    }

    /// Wall time of the run in nanoseconds.
    pub fn wall_ns(&self) -> u64 {
        self.end - self.begin
    }

    /// Events of the run, in order.
    pub fn events(&self) -> &[StepEvent] {
        &self.events
    }

    /// Device times of the run.
    pub fn device_ns(&self) -> &[(u32, u64)] {
        &self.device_ns
    }

    /// How long the run took on the device, where it has a clock of its own.
    pub fn device_wall_ns(&self) -> Option<u64> {
        self.device_wall_ns
    }

    /// Shapes of the run.
    pub fn shapes(&self) -> &[(u32, Vec<TensorSpec>)] {
        &self.shapes
    }

    /// Checks that the events lie inside the run, one after the other, none overlapping: then their
    /// self times and the gaps between them add up to the wall time exactly.
    ///
    /// # Errors
    /// Names the step that overlaps or lies outside.
    pub fn check_closure(&self) -> anyhow::Result<()> {
        let mut last = self.begin;
        for event in &self.events {
            anyhow::ensure!(
                last <= event.start && event.start <= event.end && event.end <= self.end,
                "step {} overlaps another or lies outside the run",
                event.step
            );
            last = event.end;
        }
        if let Some(wall) = self.device_wall_ns {
            let steps: u64 = self.device_ns.iter().map(|&(_, ns)| ns).sum();
            anyhow::ensure!(
                steps <= wall + self.device_ns.len() as u64 * EVENT_RESOLUTION_NS,
                "the steps took {steps} ns on the device, the run {wall} ns"
            );
        }
        Ok(())
    }
}
