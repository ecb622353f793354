//! The file that ONNX Runtime's profiler writes: a JSON list of events in the order in which they ended.

use std::collections::BTreeMap;

use anyhow::Context;
use nongemm_core::shape::TensorSpec;
use serde::Deserialize;
use serde_json::Value;

use crate::runtime::from_profile;

/// The profiler's limit: it drops what comes after this many events, without a word in the file.
const MOST_EVENTS: usize = 1_000_000;

/// What the names of kernel events end in.
const KERNEL: &str = "_kernel_time";

#[derive(Deserialize)]
struct RawEvent {
    cat: String,
    name: String,
    tid: i64,
    ts: i64,
    dur: i64,
    #[serde(default)]
    args: BTreeMap<String, Value>,
}

/// A kernel that ran, with the kernels of its subgraphs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Call {
    /// The node's name.
    pub(crate) name: String,
    /// The operator's name, without domain.
    pub(crate) op: String,
    /// The execution provider that ran it.
    pub(crate) provider: String,
    /// Start and end, in microseconds of the profiler's clock.
    pub(crate) span: [u64; 2],
    /// Time of the kernels that it started on a device, in microseconds; nothing on the host.
    pub(crate) device_us: Option<u64>,
    /// Tensors that went in, by the profiler's name for their type, and those that came out.
    pub(crate) inputs: Vec<(String, Vec<usize>)>,
    pub(crate) outputs: Vec<(String, Vec<usize>)>,
    /// For each time that a subgraph of the node ran, the calls in it.
    pub(crate) runs: Vec<Vec<Call>>,
}

/// One run under the profiler.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trace {
    /// Start and end of the run.
    pub(crate) span: [u64; 2],
    /// The kernels of the model's own graph, in order.
    pub(crate) calls: Vec<Call>,
}

/// A part of the tree whose parent has not ended yet.
enum Open {
    Call(Call),
    /// A run of a graph: its start and the calls in it.
    Run(u64, Vec<Call>),
}

impl Open {
    fn start(&self) -> u64 {
        match self {
            Open::Call(call) => call.span[0],
            Open::Run(start, _) => *start,
        }
    }
}

impl Trace {
    /// Reads a profile of one run.
    ///
    /// # Errors
    /// When it is damaged, when events were dropped, or when it holds what is not understood: nothing is
    /// left out silently.
    pub(crate) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let events: Vec<RawEvent> =
            serde_json::from_slice(text).context("ONNX Runtime's profile cannot be read")?;
        anyhow::ensure!(
            events.len() < MOST_EVENTS,
            "the run has more than {MOST_EVENTS} events, which ONNX Runtime's profiler drops"
        );
        Builder::default().read(events)
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    thread: Option<i64>,
    trace: Option<Trace>,
}

impl Builder {
    fn read(mut self, events: Vec<RawEvent>) -> anyhow::Result<Trace> {
        for event in events {
            self.event(event)?;
        }
        let trace = self.trace.context("ONNX Runtime's profile holds no run")?;
        let left = self.open.len();
        anyhow::ensure!(
            left == 0,
            "{left} events of the profile lie outside the run"
        );
        Ok(trace)
    }

    fn event(&mut self, event: RawEvent) -> anyhow::Result<()> {
        if event.cat == "Kernel" {
            return self.device(&event);
        }
        anyhow::ensure!(self.trace.is_none(), "the profile holds more than one run");
        let thread = *self.thread.get_or_insert(event.tid);
        anyhow::ensure!(
            thread == event.tid,
            "the profile holds events of several threads: {} is on another than those before it",
            event.name
        );
        let (Ok(start), Ok(duration)) = (u64::try_from(event.ts), u64::try_from(event.dur)) else {
            anyhow::bail!("event {} of the profile has no time", event.name);
        };
        let end = start + duration;
        match (event.cat.as_str(), event.name.as_str()) {
            ("Node", _) => self.call(event, [start, end]),
            ("Session", "model_run") => self.run([start, end]),
            ("Session", "SequentialExecutor::Execute") => {
                let calls = self.take_calls(start)?;
                self.open.push(Open::Run(start, calls));
                Ok(())
            }
            (category, name) => {
                anyhow::bail!("unknown event {name} of kind {category} in ONNX Runtime's profile")
            }
        }
    }

    /// A node's kernel ended: what its subgraphs did since it started belongs to it.
    fn call(&mut self, event: RawEvent, mut span: [u64; 2]) -> anyhow::Result<()> {
        let mut runs = Vec::new();
        while let Some(Open::Run(start, _)) = self.open.last()
            && *start >= span[0]
        {
            if let Some(Open::Run(_, calls)) = self.open.pop() {
                runs.push(calls);
            }
        }
        runs.reverse();
        // Both ends are rounded down by themselves: an inner call can seem to end a microsecond after
        // the one around it.
        let inner = runs.iter().flatten().map(|call| call.span[1]);
        span[1] = inner.fold(span[1], u64::max);
        let text = |key: &str| {
            let value = event.args.get(key).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let name = event.name.strip_suffix(KERNEL).unwrap_or(&event.name);
        self.open.push(Open::Call(Call {
            name: name.to_owned(),
            op: text("op_name"),
            provider: text("provider"),
            span,
            device_us: None,
            inputs: tensors(event.args.get("input_type_shape")),
            outputs: tensors(event.args.get("output_type_shape")),
            runs,
        }));
        Ok(())
    }

    /// The calls that are open and started at `start` or later, in order.
    fn take_calls(&mut self, start: u64) -> anyhow::Result<Vec<Call>> {
        let first = self.open.iter().rposition(|open| open.start() < start);
        let inside = self.open.split_off(first.map_or(0, |index| index + 1));
        let calls = inside.into_iter().map(|open| match open {
            Open::Call(call) => Ok(call),
            Open::Run(..) => anyhow::bail!("a graph ran that belongs to no node of the profile"),
        });
        calls.collect()
    }

    fn run(&mut self, mut span: [u64; 2]) -> anyhow::Result<()> {
        let root = self.open.pop();
        let Some(Open::Run(start, calls)) = root else {
            anyhow::bail!("ONNX Runtime's profile holds a run of nothing");
        };
        anyhow::ensure!(start >= span[0], "a graph ran before its run began");
        let inner = calls.iter().map(|call| call.span[1]);
        span[1] = inner.fold(span[1], u64::max);
        self.trace = Some(Trace { span, calls });
        Ok(())
    }

    /// A kernel on a device: it belongs to the node whose event it follows.
    fn device(&mut self, event: &RawEvent) -> anyhow::Result<()> {
        let duration = u64::try_from(event.dur).context("a device kernel has no time")?;
        let calls = self.trace.as_mut().map(|trace| &mut trace.calls);
        let last = match (self.open.last_mut(), calls) {
            (Some(Open::Call(call)), _) => Some(call),
            (_, Some(calls)) => calls.last_mut(),
            _ => None,
        };
        let call = last.with_context(|| format!("kernel {} belongs to no node", event.name))?;
        *call.device_us.get_or_insert(0) += duration;
        Ok(())
    }
}

/// `[{"float":[8,64]}, ..]`.
fn tensors(value: Option<&Value>) -> Vec<(String, Vec<usize>)> {
    let entries = value.and_then(Value::as_array).into_iter().flatten();
    let pairs = entries.filter_map(Value::as_object).flatten();
    pairs
        .map(|(ty, shape)| {
            let sizes = shape.as_array().into_iter().flatten();
            let sizes = sizes.filter_map(Value::as_u64).map(|size| size as usize);
            (ty.clone(), sizes.collect())
        })
        .collect()
}

/// Specs of tensors; `None` where a type has no counterpart.
pub(crate) fn specs(tensors: &[(String, Vec<usize>)]) -> Option<Vec<TensorSpec>> {
    let specs = tensors.iter().map(|(ty, shape)| {
        let dtype = from_profile(ty)?;
        Some(TensorSpec::new(dtype, shape.as_slice()))
    });
    specs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, ts: u64, dur: u64) -> Value {
        serde_json::json!({"cat": "Node", "pid": 1, "tid": 1, "dur": dur, "ts": ts, "ph": "X",
            "name": format!("{name}_kernel_time"),
            "args": {"op_name": "Add", "provider": "CPUExecutionProvider",
                "input_type_shape": [{"float": [2, 3]}, {"int64": []}]}})
    }

    fn session(name: &str, ts: u64, dur: u64) -> Value {
        serde_json::json!({"cat": "Session", "pid": 1, "tid": 1, "dur": dur, "ts": ts, "ph": "X",
            "name": name, "args": {}})
    }

    fn parse(events: &[Value]) -> anyhow::Result<Trace> {
        Trace::parse(&serde_json::to_vec(events).unwrap())
    }

    #[test]
    fn calls_of_subgraphs_belong_to_the_node_around_them() {
        let execute = |ts, dur| session("SequentialExecutor::Execute", ts, dur);
        let trace = parse(&[
            node("a", 2, 0),
            node("x", 4, 2),
            execute(3, 4),
            node("x", 8, 1),
            execute(7, 3),
            node("loop", 2, 9),
            execute(1, 11),
            session("model_run", 0, 13),
        ]);
        let trace = trace.unwrap();
        assert_eq!(trace.span, [0, 13]);
        let names: Vec<&str> = trace.calls.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["a", "loop"]);
        let inner: Vec<usize> = trace.calls[1].runs.iter().map(Vec::len).collect();
        assert_eq!(inner, [1, 1]);
        assert_eq!(trace.calls[0].inputs[0], ("float".to_owned(), vec![2, 3]));
        assert_eq!(trace.calls[0].span, [2, 2]);
    }

    #[test]
    fn an_end_that_rounding_cut_off_is_put_back() {
        let trace = parse(&[
            node("x", 4, 3),
            session("SequentialExecutor::Execute", 3, 3),
            node("if", 3, 3),
            session("SequentialExecutor::Execute", 1, 5),
            session("model_run", 0, 6),
        ]);
        let trace = trace.unwrap();
        assert_eq!(trace.calls[0].span, [3, 7]);
        assert_eq!(trace.span, [0, 7]);
    }

    #[test]
    fn kernels_on_a_device_belong_to_the_node_before_them() {
        let mut kernel = node("gemm", 3, 7);
        kernel["cat"] = "Kernel".into();
        let trace = parse(&[
            node("a", 2, 1),
            kernel.clone(),
            kernel,
            session("SequentialExecutor::Execute", 1, 5),
            session("model_run", 0, 6),
        ]);
        assert_eq!(trace.unwrap().calls[0].device_us, Some(14));
    }

    #[test]
    fn nothing_is_left_out_silently() {
        let run = session("model_run", 0, 6);
        let execute = session("SequentialExecutor::Execute", 1, 5);
        let message = |events: &[Value]| parse(events).unwrap_err().to_string();
        assert_eq!(message(&[]), "ONNX Runtime's profile holds no run");
        assert!(message(&[session("quux", 1, 1)]).starts_with("unknown event quux"));
        assert!(
            message(&[execute.clone(), run.clone(), execute.clone(), run.clone()])
                .contains("more than one")
        );
        let mut other = node("a", 2, 1);
        other["tid"] = 2.into();
        assert!(message(&[node("b", 1, 1), other]).contains("several threads"));
        assert!(Trace::parse(b"[{\"cat\"").is_err());
        assert!(message(&[node("a", 0, 0), execute, run]).contains("outside the run"));
    }
}
