//! Which nodes of a model each node of the optimised model came from.
//!
//! ONNX Runtime keeps no list, but most values keep their names. A node that computes the same value with
//! the same operator is the node that it was. Another one stands for the vanished nodes between the
//! values that it defines and those that it reads. The layout optimiser renames what it moves into
//! blocked layout; there the new node's name is that of the old value with a mark.
//!
//! Nodes whose inputs are all constants were computed when the model was loaded: they are fused into
//! nothing, unless the new node reads what they read (a dequantized weight).

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::{GraphProto, NodeProto};

/// The mark of the layout optimiser on names.
const BLOCKED: &str = "_nchwc";

/// For each node of `optimized`, the positions in `original` of the nodes that it does the work of, in
/// order: its own counterpart, those fused, or none for a node that only the optimiser wants.
pub(crate) fn origins(original: &GraphProto, optimized: &GraphProto) -> Vec<Vec<usize>> {
    Difference::new(original, optimized).solve()
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
        for (index, origins) in origins.iter_mut().enumerate() {
            if !origins.is_empty() {
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
            }
            *origins = found.into_iter().collect();
        }
        origins
    }

    /// The node of the original that a node simply is.
    fn counterpart(&self, node: &NodeProto) -> Option<usize> {
        let first = outputs(node).next()?;
        let index = *self.defined_by.get(first)?;
        let old = &self.original.node[index];
        let same = old.op_type == node.op_type && domain(old) == domain(node);
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
        let kept: BTreeSet<&str> = self.optimized.node.iter().flat_map(outputs).collect();
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

/// Which nodes only constants go into, directly or through others.
fn constants(graph: &GraphProto) -> Vec<bool> {
    let mut known: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    for input in &graph.input {
        known.remove(input.name.as_str());
    }
    let mut constant = Vec::with_capacity(graph.node.len());
    for node in &graph.node {
        let subgraphs = node.attribute.iter().any(|attribute| attribute.g.is_some());
        let is = !subgraphs && inputs(node).all(|name| known.contains(name));
        if is {
            known.extend(outputs(node));
        }
        constant.push(is);
    }
    constant
}

fn inputs(node: &NodeProto) -> impl Iterator<Item = &str> {
    let names = node.input.iter().map(String::as_str);
    names.filter(|name| !name.is_empty())
}

fn outputs(node: &NodeProto) -> impl Iterator<Item = &str> {
    let names = node.output.iter().map(String::as_str);
    names.filter(|name| !name.is_empty())
}

/// The set of an operator; ONNX's own has two spellings.
pub(crate) fn domain(node: &NodeProto) -> &str {
    match node.domain.as_str() {
        "ai.onnx" => "",
        domain => domain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::TensorProto;

    /// `name = op(inputs) -> outputs`, one a line.
    fn graph(lines: &[(&str, &str, &str, &str)], constants: &str) -> GraphProto {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let node = |(name, op, inputs, outputs): &(&str, &str, &str, &str)| {
            let (domain, op) = op.rsplit_once(':').unwrap_or(("", op));
            NodeProto {
                name: (*name).to_owned(),
                op_type: op.to_owned(),
                domain: domain.to_owned(),
                input: words(inputs),
                output: words(outputs),
                ..NodeProto::default()
            }
        };
        let constant = |name: &str| TensorProto {
            name: name.to_owned(),
            ..TensorProto::default()
        };
        GraphProto {
            node: lines.iter().map(node).collect(),
            initializer: constants.split(' ').map(constant).collect(),
            ..GraphProto::default()
        }
    }

    #[test]
    fn a_fused_node_stands_for_what_lies_between_its_values() {
        let original = graph(
            &[
                ("mm", "MatMul", "x w", "a"),
                ("add", "Add", "a b", "c"),
                ("gelu", "Gelu", "c", "d"),
                ("sm", "Softmax", "d", "y"),
            ],
            "w b",
        );
        let optimized = graph(
            &[
                ("mm", "MatMul", "x w", "a"),
                ("BiasGelu", "com.microsoft:BiasGelu", "a b", "d"),
                ("sm", "Softmax", "d", "y"),
            ],
            "w b",
        );
        assert_eq!(
            origins(&original, &optimized),
            [vec![0], vec![1, 2], vec![3]]
        );
    }

    #[test]
    fn what_was_computed_at_loading_is_fused_into_nothing() {
        let original = graph(
            &[
                ("t", "Transpose", "w", "wt"),
                ("mm", "MatMul", "x wt", "a"),
                ("add", "Add", "a b", "y"),
            ],
            "w b",
        );
        let optimized = graph(
            &[("mm/MatMulAddFusion", "Gemm", "x wt_folded b", "y")],
            "wt_folded b",
        );
        assert_eq!(origins(&original, &optimized), [vec![1, 2]]);
    }

    #[test]
    fn a_weight_that_is_still_read_was_dequantized_by_the_fused_node() {
        let original = graph(
            &[
                ("dqx", "DequantizeLinear", "x s z", "xf"),
                ("dqw", "DequantizeLinear", "w s z", "wf"),
                ("mm", "MatMul", "xf wf", "a"),
                ("q", "QuantizeLinear", "a s z", "y"),
            ],
            "w s z",
        );
        let optimized = graph(&[("mm", "QLinearMatMul", "x s z w s z s z", "y")], "w s z");
        assert_eq!(origins(&original, &optimized), [vec![0, 1, 2, 3]]);
    }

    #[test]
    fn blocked_convolutions_take_along_addition_and_activation() {
        let original = graph(
            &[
                ("c1", "Conv", "x w1", "c1o"),
                ("b1", "BatchNormalization", "c1o g1 h1", "b1o"),
                ("r1", "Relu", "b1o", "r1o"),
                ("c2", "Conv", "r1o w2", "c2o"),
                ("res", "Add", "c2o r1o", "so"),
                ("r2", "Relu", "so", "r2o"),
                ("c3", "Conv", "r2o w3", "c3o"),
                ("clip", "Clip", "c3o lo hi", "y1"),
                ("flat", "Flatten", "y1", "y"),
            ],
            "w1 w2 w3 g1 h1 lo hi",
        );
        let conv = "com.microsoft.nchwc:Conv";
        let optimized = graph(
            &[
                ("r1o_nchwc", conv, "x v1 u1", "n1"),
                ("c2o_nchwc", conv, "n1 v2 u2 n1", "n2"),
                ("y1_nchwc", conv, "n2 v3", "n3"),
                (
                    "ReorderOutput",
                    "com.microsoft.nchwc:ReorderOutput",
                    "n3",
                    "y1",
                ),
                ("flat", "Flatten", "y1", "y"),
            ],
            "v1 v2 v3 u1 u2",
        );
        assert_eq!(
            origins(&original, &optimized),
            [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7], vec![], vec![8]]
        );
    }

    #[test]
    fn a_node_without_counterpart_stands_for_nothing() {
        let original = graph(&[("a", "Relu", "x", "y")], "w");
        let optimized = graph(
            &[("cast", "Cast", "x", "x2"), ("a", "Relu", "x2", "y")],
            "w",
        );
        assert_eq!(origins(&original, &optimized), [vec![], vec![0]]);
    }
}
