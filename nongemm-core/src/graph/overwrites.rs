//! Which inputs, parameters and constants of a graph its operators write over.

use smallvec::SmallVec;

use super::ir::{Graph, Source, Value};
use crate::op::Storage;

/// A declared value (input, parameter or constant) whose memory a node may write over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwrite {
    /// The declared value.
    pub value: Value,
    /// Position of the first node that writes it.
    pub node: usize,
}

/// The declared values that nodes may write over, directly or through a view, by position.
pub fn overwrites(graph: &Graph) -> Vec<Overwrite> {
    // For each value, the declared ones whose memory it may share.
    let mut origins: Vec<SmallVec<[Value; 1]>> = vec![SmallVec::new(); graph.values().len()];
    for (index, info) in graph.values().iter().enumerate() {
        if !matches!(info.source, Source::Node(_)) {
            origins[index].push(Value(index as u32));
        }
    }
    let mut found: Vec<Overwrite> = Vec::new();
    for (index, node) in graph.nodes().iter().enumerate() {
        let shared: &[Value] = match node.op.storage() {
            Storage::Own => continue,
            Storage::Shared => &node.inputs,
            Storage::Written(operand) => node.inputs.get(operand).map_or(&[], std::slice::from_ref),
        };
        let mut declared: SmallVec<[Value; 1]> = SmallVec::new();
        for &value in shared.iter().flat_map(|value| &origins[value.index()]) {
            if !declared.contains(&value) {
                declared.push(value);
            }
        }
        if matches!(node.op.storage(), Storage::Written(_)) {
            for &value in &declared {
                if found.iter().all(|overwrite| overwrite.value != value) {
                    found.push(Overwrite { value, node: index });
                }
            }
        }
        for output in &node.outputs {
            origins[output.index()].clone_from(&declared);
        }
    }
    found.sort_by_key(|overwrite| overwrite.value);
    found
}
