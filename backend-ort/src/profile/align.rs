//! Which node of a graph each call is.
//!
//! Calls come in the order of the graph's nodes. Where they do not, they are told apart by name and
//! operator; ONNX Runtime marks names that are not unique with `_token_` and a number.

use std::collections::BTreeSet;

use super::trace::Call;
use crate::proto::{GraphProto, NodeProto};

/// The position in `graph` of each call's node, where it is known.
pub(crate) fn align(calls: &[Call], graph: &GraphProto) -> Vec<Option<usize>> {
    if in_order(calls, graph) {
        return (0..calls.len()).map(Some).collect();
    }
    let mut used = BTreeSet::new();
    let mut found = vec![None; calls.len()];
    for same in [
        is_named as fn(&Call, &NodeProto) -> bool,
        is_marked,
        is_operator,
    ] {
        for (call, place) in calls.iter().zip(&mut found) {
            if place.is_some() {
                continue;
            }
            let mut nodes = graph.node.iter().enumerate();
            *place = nodes
                .find(|(index, node)| !used.contains(index) && same(call, node))
                .map(|(index, _)| index);
            used.extend(*place);
        }
    }
    found
}

/// The graph among a node's own that a run of a subgraph ran.
pub(crate) fn subgraph<'g>(run: &[Call], node: &'g NodeProto) -> Option<&'g GraphProto> {
    let graphs = || node.attribute.iter().filter_map(|a| a.g.as_deref());
    let named = |graph: &&GraphProto| {
        let names: BTreeSet<&str> = graph.node.iter().map(|node| node.name.as_str()).collect();
        run.iter()
            .filter(|call| names.contains(call.name.as_str()))
            .count()
    };
    let exact = graphs().filter(|graph| in_order(run, graph));
    exact
        .max_by_key(named)
        .or_else(|| graphs().max_by_key(named))
}

fn in_order(calls: &[Call], graph: &GraphProto) -> bool {
    let mut pairs = calls.iter().zip(&graph.node);
    calls.len() == graph.node.len() && pairs.all(|(call, node)| is_operator(call, node))
}

fn is_operator(call: &Call, node: &NodeProto) -> bool {
    call.op == node.op_type
}

fn is_named(call: &Call, node: &NodeProto) -> bool {
    is_operator(call, node) && call.name == node.name
}

fn is_marked(call: &Call, node: &NodeProto) -> bool {
    let name = call.name.rsplit_once("_token_").map(|(name, _)| name);
    is_operator(call, node) && name == Some(&node.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::AttributeProto;

    fn calls(names: &[(&str, &str)]) -> Vec<Call> {
        let call = |(name, op): &(&str, &str)| Call {
            name: (*name).to_owned(),
            op: (*op).to_owned(),
            ..Call::default()
        };
        names.iter().map(call).collect()
    }

    fn graph(names: &[(&str, &str)]) -> GraphProto {
        let node = |(name, op): &(&str, &str)| NodeProto {
            name: (*name).to_owned(),
            op_type: (*op).to_owned(),
            ..NodeProto::default()
        };
        GraphProto {
            node: names.iter().map(node).collect(),
            ..GraphProto::default()
        }
    }

    #[test]
    fn the_same_order_needs_no_names() {
        let found = align(
            &calls(&[("Relu_1", "Relu"), ("Relu_2", "Relu")]),
            &graph(&[("", "Relu"), ("", "Relu")]),
        );
        assert_eq!(found, [Some(0), Some(1)]);
    }

    #[test]
    fn names_decide_in_another_order() {
        let found = align(
            &calls(&[("b", "Add"), ("F_token_3", "F"), ("a", "Add"), ("q", "Q")]),
            &graph(&[("a", "Add"), ("b", "Add"), ("F", "F")]),
        );
        assert_eq!(found, [Some(1), Some(2), Some(0), None]);
    }

    #[test]
    fn the_branch_that_ran_is_found_by_its_operators() {
        let attribute = |names: &[(&str, &str)]| AttributeProto {
            g: Some(Box::new(graph(names))),
            ..AttributeProto::default()
        };
        let node = NodeProto {
            attribute: vec![
                attribute(&[("m", "Mul")]),
                attribute(&[("m", "Mul"), ("a", "Add")]),
            ],
            ..NodeProto::default()
        };
        let found = subgraph(&calls(&[("m", "Mul"), ("a", "Add")]), &node).unwrap();
        assert_eq!(found.node.len(), 2);
    }
}
