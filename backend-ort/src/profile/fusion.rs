//! Which nodes of a model each node of the optimised model came from.
//!
//! ONNX Runtime keeps no list, but most values keep their names. A node that computes the same value with
//! the same operator is the node that it was. Another one stands for the vanished nodes between the
//! values that it defines and those that it reads. The layout optimiser renames what it moves into
//! blocked layout; there the new node's name is that of the old value with a mark.
//!
//! A product with a bias may become several nodes: reshape, product, reshape. The last one defines the old value,
//! but what reads the old weights does the work.
//!
//! Nodes whose inputs are all constants were computed when the model was loaded: they are fused into
//! nothing, unless the new node reads what they read (a dequantized weight).

use std::collections::{BTreeMap, BTreeSet};

use super::values::{constants, domain, inputs, outputs, same_op};
use crate::proto::{GraphProto, NodeProto};

/// The mark of the layout optimiser on names.
const BLOCKED: &str = "_nchwc";

/// The operators in blocked layout, and those that move values into it and out of it.
const BLOCKED_SET: &str = "com.microsoft.nchwc";

/// For each node of `optimized`, the positions in `original` of the nodes that it does the work of, in
/// order: its own counterpart, those fused, or none for a node that only the optimiser wants.
pub(crate) fn origins(original: &GraphProto, optimized: &GraphProto) -> Vec<Vec<usize>> {
    Difference::new(original, optimized).solve()
}

/// For each node of `optimized` that has no origins, the node that it was put in for: the one whose new value it
/// brings back to the original's names, else the one that reads what it makes.
pub(crate) fn served(
    original: &GraphProto,
    optimized: &GraphProto,
    origins: &[Vec<usize>],
) -> Vec<Option<usize>> {
    let old: BTreeSet<&str> = original.node.iter().flat_map(outputs).collect();
    let given: BTreeSet<&str> = original.input.iter().map(|i| i.name.as_str()).collect();
    let nodes = &optimized.node;
    let stands = |index: &usize| !origins[*index].is_empty();
    let one = |index: usize| {
        let node = &nodes[index];
        if !origins[index].is_empty() {
            return None;
        }
        let reads = inputs(node).next()?;
        let new = !old.contains(reads) && !given.contains(reads);
        let mut before = 0..index;
        let maker = before.find(|i| outputs(&nodes[*i]).any(|name| name == reads));
        let mut after = index + 1..nodes.len();
        let mut reader = || {
            let makes: Vec<&str> = outputs(node).collect();
            after.find(|i| stands(i) && inputs(&nodes[*i]).any(|name| makes.contains(&name)))
        };
        maker.filter(|i| new && stands(i)).or_else(&mut reader)
    };
    (0..nodes.len()).map(one).collect()
}

struct Difference<'g> {
    original: &'g GraphProto,
    optimized: &'g GraphProto,
    /// The node of the original that defines a value.
    defined_by: BTreeMap<&'g str, usize>,
    /// Nodes of the original that only constants go into.
    constant: Vec<bool>,
    /// Nodes of the original that are known to be in some node of the optimised model.
    taken: BTreeSet<usize>,
    /// The weights and constants of the optimised model.
    weights: BTreeSet<&'g str>,
    /// For nodes in blocked layout, the old node whose value their name holds.
    anchors: BTreeMap<usize, usize>,
}

impl<'g> Difference<'g> {
    fn new(original: &'g GraphProto, optimized: &'g GraphProto) -> Self {
        let mut defined_by = BTreeMap::new();
        for (index, node) in original.node.iter().enumerate() {
            defined_by.extend(outputs(node).map(|name| (name, index)));
        }
        Difference {
            constant: constants(original),
            weights: optimized
                .initializer
                .iter()
                .map(|t| t.name.as_str())
                .collect(),
            original,
            optimized,
            defined_by,
            taken: BTreeSet::new(),
            anchors: BTreeMap::new(),
        }
    }

    fn solve(mut self) -> Vec<Vec<usize>> {
        let mut origins: Vec<Vec<usize>> = self
            .optimized
            .node
            .iter()
            .map(|node| self.counterpart(node).into_iter().collect())
            .collect();
        self.taken.extend(origins.iter().flatten());
        for (index, node) in self.optimized.node.iter().enumerate() {
            let value = node.name.strip_suffix(BLOCKED);
            let anchor = value.and_then(|value| self.defined_by.get(value));
            if let Some(anchor) = anchor.filter(|anchor| !self.taken.contains(*anchor)) {
                self.anchors.insert(index, *anchor);
            }
        }
        for index in 0..origins.len() {
            if !origins[index].is_empty() {
                continue;
            }
            let node = &self.optimized.node[index];
            let mut found = match self.anchors.get(&index) {
                Some(&anchor) => self.blocked(node, anchor),
                None => self.between(node),
            };
            self.taken.extend(&found);
            if self.anchors.contains_key(&index) {
                self.absorb(&mut found);
            } else {
                self.hand_on(index, &mut found, &mut origins);
            }
            origins[index] = found.into_iter().collect();
        }
        origins
    }

    /// Gives what is in `found` to those nodes before `index` that read its weights now, or are the same operator.
    /// Only nodes that define no value of the original are asked: they and `index` came from one rewriting.
    fn hand_on(&self, index: usize, found: &mut BTreeSet<usize>, origins: &mut [Vec<usize>]) {
        let nodes = &self.optimized.node;
        let by_output = |name: &str| {
            let mut before = nodes[..index].iter();
            before.position(|node| outputs(node).any(|output| output == name))
        };
        let mut open: Vec<&str> = inputs(&nodes[index]).collect();
        while let Some(name) = open.pop() {
            if self.defined_by.contains_key(name) {
                continue;
            }
            let Some(helper) = by_output(name).filter(|helper| origins[*helper].is_empty()) else {
                continue;
            };
            let weights: BTreeSet<&str> = inputs(&nodes[helper])
                .filter(|name| self.weights.contains(name))
                .collect();
            let own: Vec<usize> = found
                .iter()
                .copied()
                .filter(|old| {
                    let old = &self.original.node[*old];
                    inputs(old).any(|name| weights.contains(name))
                        || (same_op(old, &nodes[helper]) && !same_op(old, &nodes[index]))
                })
                .collect();
            own.iter().for_each(|old| {
                found.remove(old);
            });
            origins[helper] = own;
            open.extend(inputs(&nodes[helper]));
        }
    }

    /// The node of the original that a node simply is.
    fn counterpart(&self, node: &NodeProto) -> Option<usize> {
        let first = outputs(node).next()?;
        let index = *self.defined_by.get(first)?;
        let old = &self.original.node[index];
        let same = same_op(old, node);
        // A value that an optimisation gave to another node keeps neither name nor inputs.
        (same && (old.name == node.name || old.input == node.input)).then_some(index)
    }

    /// The vanished nodes between what a node defines and what it reads.
    fn between(&self, node: &NodeProto) -> BTreeSet<usize> {
        let reads: BTreeSet<&str> = inputs(node).collect();
        let anchors: BTreeSet<usize> = self.anchors.values().copied().collect();
        let mut found = BTreeSet::new();
        let starts = outputs(node).filter_map(|name| self.defined_by.get(name));
        let mut open: Vec<usize> = starts.copied().collect();
        while let Some(index) = open.pop() {
            let old = &self.original.node[index];
            let folded = self.constant[index] && !inputs(old).any(|name| reads.contains(name));
            if folded
                || self.taken.contains(&index)
                || anchors.contains(&index)
                || !found.insert(index)
            {
                continue;
            }
            let before = inputs(old).filter(|name| !reads.contains(name));
            open.extend(before.filter_map(|name| self.defined_by.get(name)));
        }
        found
    }

    /// From the value that a node in blocked layout is named after back to the operator that it is.
    fn blocked(&self, node: &NodeProto, anchor: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut next = Some(anchor);
        while let Some(index) = next {
            if self.taken.contains(&index) || !found.insert(index) {
                break;
            }
            let old = &self.original.node[index];
            if old.op_type == node.op_type {
                break;
            }
            let mut before = inputs(old).filter_map(|name| self.defined_by.get(name).copied());
            next = before.find(|index| !self.constant[*index]);
        }
        found
    }

    /// Adds vanished nodes that read what only `found` can give them and that no other node stands for:
    /// the addition and the activation behind a convolution. What it reads besides must be computed by
    /// then: an addition of two convolutions belongs to the later one.
    fn absorb(&mut self, found: &mut BTreeSet<usize>) {
        let nodes = self.optimized.node.iter().enumerate();
        // A value that comes out of blocked layout was computed in it.
        let moves = |(index, node): &(usize, &NodeProto)| {
            domain(node) == BLOCKED_SET && !self.anchors.contains_key(index)
        };
        let kept = nodes.filter(|node| !moves(node));
        let kept: BTreeSet<&str> = kept.flat_map(|(_, node)| outputs(node)).collect();
        let heads: BTreeSet<&str> = self
            .anchors
            .keys()
            .map(|node| self.optimized.node[*node].op_type.as_str())
            .collect();
        let first = found.first().copied().unwrap_or(0);
        for index in first..self.original.node.len() {
            let old = &self.original.node[index];
            let free = !self.taken.contains(&index)
                && !self.constant[index]
                && !heads.contains(old.op_type.as_str())
                && !outputs(old).any(|name| kept.contains(name));
            let before: Vec<usize> = inputs(old)
                .filter_map(|name| self.defined_by.get(name).copied())
                .filter(|before| !self.constant[*before])
                .collect();
            if free
                && before.iter().any(|before| found.contains(before))
                && before.iter().all(|before| self.taken.contains(before))
            {
                found.insert(index);
                self.taken.insert(index);
            }
        }
    }
}

#[cfg(test)]
mod tests;
