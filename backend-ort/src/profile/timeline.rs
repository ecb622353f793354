//! From a tree of calls to the events of a recorder: self times in order, none overlapping.

use nongemm_core::measure::Recorder;

use super::trace::{Call, Trace};

/// The profiler counts in microseconds.
const US: u64 = 1_000;

/// Records a run: one event for each call, in the order of the calls' starts; a call with subgraphs has
/// one for each stretch between them. The run is as long as the profiler says.
pub(crate) fn record(trace: &Trace, recorder: &mut Recorder<'_>) {
    let [begin, end] = trace.span;
    let mut writer = Writer {
        begin: recorder.start(),
        origin: begin,
        step: 0,
        on_device: on_device(&trace.calls),
        recorder,
    };
    for call in &trace.calls {
        writer.call(call);
    }
    recorder.end_after((end - begin) * US);
}

fn on_device(calls: &[Call]) -> bool {
    let inner = |call: &Call| call.runs.iter().any(|run| on_device(run));
    calls
        .iter()
        .any(|call| call.device_us.is_some() || inner(call))
}

struct Writer<'r, 'c> {
    begin: u64,
    origin: u64,
    step: u32,
    /// Whether any kernel ran on a device: then every call has a time there, if only zero.
    on_device: bool,
    recorder: &'r mut Recorder<'c>,
}

impl Writer<'_, '_> {
    fn call(&mut self, call: &Call) {
        let step = self.step;
        self.step += 1;
        let mut from = call.span[0];
        for inner in call.runs.iter().flatten() {
            self.push(step, from, inner.span[0]);
            self.call(inner);
            from = inner.span[1];
        }
        self.push(step, from, call.span[1]);
        if self.on_device {
            let us = call.device_us.unwrap_or(0);
            self.recorder.push_device(step, us * US);
        }
    }

    fn push(&mut self, step: u32, from: u64, to: u64) {
        let at = |us: u64| self.begin + us.saturating_sub(self.origin) * US;
        self.recorder.push(step, at(from), at(to));
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::measure::{Mode, Monotonic};

    use super::*;

    fn call(span: [u64; 2], runs: Vec<Vec<Call>>) -> Call {
        Call {
            span,
            runs,
            ..Call::default()
        }
    }

    #[test]
    fn self_times_and_gaps_add_up_to_the_wall_time() {
        let trace = Trace {
            span: [5, 30],
            calls: vec![
                call([6, 6], Vec::new()),
                call(
                    [7, 20],
                    vec![
                        vec![call([8, 10], Vec::new()), call([11, 12], Vec::new())],
                        vec![call([15, 18], Vec::new())],
                    ],
                ),
                call([22, 25], Vec::new()),
            ],
        };
        let clock = Monotonic::new();
        let mut recorder = Recorder::new(&clock, Mode::Timing, 6);
        recorder.begin();
        record(&trace, &mut recorder);
        recorder.check_closure().unwrap();
        assert_eq!(recorder.wall_ns(), 25_000);
        let mut times = [0; 6];
        for event in recorder.events() {
            times[event.step as usize] += event.end - event.start;
        }
        assert_eq!(times, [0, 7_000, 2_000, 1_000, 3_000, 3_000]);
        let gaps = recorder.wall_ns() - times.iter().sum::<u64>();
        assert_eq!(gaps, 9_000);
    }

    #[test]
    fn calls_that_overlap_do_not_close() {
        let trace = Trace {
            span: [0, 10],
            calls: vec![call([1, 5], Vec::new()), call([4, 6], Vec::new())],
        };
        let clock = Monotonic::new();
        let mut recorder = Recorder::new(&clock, Mode::Timing, 2);
        recorder.begin();
        record(&trace, &mut recorder);
        assert!(recorder.check_closure().is_err());
    }
}
