//! Which node is the last to use each value, and how much memory is alive at the peak.

use super::ir::{Graph, Source};

/// For each node, the values that nobody reads after it (positions in [`Graph::values`]).
/// Parameters, constants, inputs and outputs of the graph stay alive throughout.
pub fn last_uses(graph: &Graph) -> Vec<Vec<usize>> {
    let mut last = vec![None; graph.values().len()];
    for (index, node) in graph.nodes().iter().enumerate() {
        for value in node.outputs.iter().chain(&node.inputs) {
            last[value.index()] = Some(index);
        }
    }
    for (_, value) in graph.outputs() {
        last[value.index()] = None;
    }
    let mut dead = vec![Vec::new(); graph.nodes().len()];
    for (value, info) in graph.values().iter().enumerate() {
        if let (Source::Node(_), Some(node)) = (info.source, last[value]) {
            dead[node].push(value);
        }
    }
    dead
}

/// Bytes of intermediate results alive at the peak when every operator allocates its outputs.
///
/// An upper bound for backends with views; symbolic dimensions count as empty.
pub fn peak_activation_bytes(graph: &Graph) -> u64 {
    let dead = last_uses(graph);
    let bytes = |value: usize| graph.values()[value].spec.bytes();
    let inputs: u64 = graph.inputs().iter().map(|i| bytes(i.value.index())).sum();
    let mut alive = inputs;
    let mut peak = alive;
    for (node, dead) in graph.nodes().iter().zip(dead) {
        alive += node.outputs.iter().map(|v| bytes(v.index())).sum::<u64>();
        peak = peak.max(alive);
        alive -= dead.into_iter().map(bytes).sum::<u64>();
    }
    peak
}
