//! Which runs compute the same thing.

use std::collections::BTreeSet;

use crate::plugin::Device;
use crate::record::RunSpec;

/// What a run computes, whoever computes it: its spec without the flow, the device, the threads, and the
/// settings that concern the flow alone. Those are named after it (`torch.script`), but for
/// `composites`, which chooses between kernels for the same result.
pub(crate) fn same_thing(spec: &RunSpec) -> String {
    let mut spec = RunSpec {
        backend: String::new(),
        device: Device::Cpu,
        threads: 0,
        inputs: 1,
        ..spec.clone()
    };
    spec.settings
        .retain(|key, _| key != "composites" && !key.contains('.'));
    serde_json::to_string(&spec).unwrap_or_default()
}

/// How many different things runs compute, whatever the flows and devices.
pub fn computations(runs: &[RunSpec]) -> usize {
    runs.iter().map(same_thing).collect::<BTreeSet<_>>().len()
}
