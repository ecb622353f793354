//! Expands composite operators into their parts, for one backend.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::builder::{BuildError, GraphBuilder};
use super::ir::{Composite, Graph, Source, Value};
use crate::op::{Eager, Op};
use crate::plugin::caught;
use crate::shape::TensorSpec;

/// Which composites run as one kernel and which in parts (setting `composites`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompositePolicy {
    /// As the reference's eager code runs them: in parts where it runs parts.
    #[default]
    Reference,
    /// Every composite that the backend has a kernel for runs fused.
    Fused,
    /// Every composite runs in parts.
    Parts,
}

impl FromStr for CompositePolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "reference" => Ok(CompositePolicy::Reference),
            "fused" => Ok(CompositePolicy::Fused),
            "parts" => Ok(CompositePolicy::Parts),
            _ => Err(format!(
                "`{text}` is not a composite policy; known: reference, fused, parts"
            )),
        }
    }
}

/// An operator of a graph that a backend can neither run nor expand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Operator name.
    pub op: String,
    /// Specs of the inputs of its first occurrence.
    pub inputs: Vec<TensorSpec>,
    /// Module path of its first occurrence.
    pub scope: String,
    /// How often the graph holds it.
    pub count: usize,
}

/// Why a graph cannot be lowered for a backend.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    /// Operators without kernel and without decomposition; all of them.
    #[error("no kernel and no decomposition for {}", list(.0))]
    Unsupported(Vec<Unsupported>),
    /// A decomposition is wrong.
    #[error("decomposition of {op} in {scope}: {source}")]
    Decomposition {
        /// The composite.
        op: &'static str,
        /// Module path.
        scope: String,
        /// What went wrong.
        source: Box<BuildError>,
    },
}

fn list(ops: &[Unsupported]) -> String {
    struct Item<'a>(&'a Unsupported);
    impl fmt::Display for Item<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let inputs: Vec<String> = self.0.inputs.iter().map(ToString::to_string).collect();
            write!(f, "{}({})", self.0.op, inputs.join(", "))?;
            if self.0.count > 1 {
                write!(f, " x{}", self.0.count)?;
            }
            Ok(())
        }
    }
    let items: Vec<String> = ops.iter().map(|op| Item(op).to_string()).collect();
    items.join("; ")
}

/// Rewrites `graph` so that every node has a kernel, expanding composites as `policy` says.
/// Parts keep their composite as parent.
///
/// # Errors
/// When operators have neither kernel nor decomposition (all are listed), or a decomposition fails.
pub fn lower(
    graph: &Graph,
    policy: CompositePolicy,
    has_kernel: &dyn Fn(&dyn Op, &[TensorSpec]) -> bool,
) -> Result<Graph, LowerError> {
    let mut current = pass(graph, policy, has_kernel)?;
    // A part can be a composite itself; each pass expands one level.
    while let Some(next) = current.1.then(|| pass(&current.0, policy, has_kernel)) {
        current = next?;
    }
    let lowered = current.0;
    let mut missing: BTreeMap<&str, Unsupported> = BTreeMap::new();
    for node in lowered.nodes() {
        let inputs = lowered.specs(&node.inputs);
        if !has_kernel(node.op.as_ref(), &inputs) {
            missing
                .entry(node.op.name())
                .and_modify(|entry| entry.count += 1)
                .or_insert_with(|| Unsupported {
                    op: node.op.name().to_owned(),
                    inputs,
                    scope: node.scope.to_string(),
                    count: 1,
                });
        }
    }
    if missing.is_empty() {
        Ok(lowered)
    } else {
        Err(LowerError::Unsupported(missing.into_values().collect()))
    }
}

fn pass(
    graph: &Graph,
    policy: CompositePolicy,
    has_kernel: &dyn Fn(&dyn Op, &[TensorSpec]) -> bool,
) -> Result<(Graph, bool), LowerError> {
    let mut builder = GraphBuilder::from_declarations(graph);
    let mut map: Vec<Option<Value>> = vec![None; graph.values().len()];
    let declared = graph
        .values()
        .iter()
        .enumerate()
        .filter(|(_, info)| !matches!(info.source, Source::Node(_)));
    for (new, (old, _)) in declared.enumerate() {
        map[old] = Some(Value(new as u32));
    }
    builder.rebind(&map);
    let mut expanded = false;
    for node in graph.nodes() {
        let inputs: Vec<Value> = node
            .inputs
            .iter()
            .map(|v| map[v.index()].expect("a node reads only what was defined before it"))
            .collect();
        let specs = graph.specs(&node.inputs);
        let wrong = |source| LowerError::Decomposition {
            op: node.op.name(),
            scope: node.scope.to_string(),
            source: Box::new(source),
        };
        let keep = keeps_kernel(node.op.as_ref(), &specs, policy, has_kernel);
        builder.enter(&node.scope, node.parent);
        let mut parts = None;
        if !keep {
            let mark = builder.push_composite(Composite {
                id: String::new(),
                op: node.op.clone(),
                scope: node.scope.clone(),
                parent: node.parent,
                inputs: specs,
                outputs: graph.specs(&node.outputs),
            });
            builder.enter(&node.scope, Some(mark));
            parts = caught(|| node.op.decompose(&mut builder, &inputs)).unwrap_or_else(|message| {
                Some(Err(BuildError::panicked(node.op.as_ref(), message)))
            });
            builder.enter(&node.scope, node.parent);
            if parts.is_none() {
                builder.pop_composite();
            }
        }
        let outputs = match parts {
            Some(outputs) => {
                expanded = true;
                outputs.map_err(wrong)?
            }
            None => builder
                .add_shared(node.op.clone(), &inputs)
                .map_err(wrong)?,
        };
        if outputs.len() != node.outputs.len() {
            return Err(wrong(BuildError::config(format!(
                "{} outputs where {} are expected",
                outputs.len(),
                node.outputs.len()
            ))));
        }
        for (old, new) in node.outputs.iter().zip(outputs) {
            map[old.index()] = Some(new);
        }
    }
    for (name, value) in graph.outputs() {
        let value = map[value.index()].expect("an output is defined by a node or an input");
        builder.output(name, value);
    }
    Ok((builder.finish(), expanded))
}

fn keeps_kernel(
    op: &dyn Op,
    inputs: &[TensorSpec],
    policy: CompositePolicy,
    has_kernel: &dyn Fn(&dyn Op, &[TensorSpec]) -> bool,
) -> bool {
    match policy {
        CompositePolicy::Parts => false,
        CompositePolicy::Fused => has_kernel(op, inputs),
        CompositePolicy::Reference => op.eager() == Eager::Kernel && has_kernel(op, inputs),
    }
}
