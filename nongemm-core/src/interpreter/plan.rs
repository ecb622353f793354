//! What is decided when a session is made.

use std::sync::Arc;

use anyhow::Context;
use smallvec::SmallVec;

use crate::graph::{Graph, Source, last_uses, overwrites};
use crate::kernel::{Engine, KernelFn, Kernels};
use crate::op::{Eager, Op};
use crate::plugin::{Parent, Step};

/// How one node runs. Operands and results are slots, one for each value of the graph.
pub(super) struct Plan<E: Engine> {
    pub(super) op: Arc<dyn Op>,
    pub(super) kernel: KernelFn<E>,
    /// The crate that the kernel is of.
    pub(super) krate: &'static str,
    pub(super) inputs: SmallVec<[u32; 4]>,
    pub(super) outputs: SmallVec<[u32; 2]>,
    /// What nothing reads after it.
    pub(super) dead: SmallVec<[u32; 4]>,
}

#[cold]
pub(super) fn missing(step: &Step) -> String {
    format!(
        "{} in {} reads an input that is not bound",
        step.op, step.scope
    )
}

#[cold]
pub(super) fn failed(error: anyhow::Error, step: &Step) -> anyhow::Error {
    let inputs: Vec<String> = step.inputs.iter().map(ToString::to_string).collect();
    error.context(format!(
        "{}({}) in {}",
        step.op,
        inputs.join(", "),
        step.scope
    ))
}

/// A kernel that panicked: a defect of the crate that it is of.
#[cold]
pub(super) fn panicked(krate: &str, step: Option<&Step>, message: &str) -> anyhow::Error {
    let defect = anyhow::anyhow!(
        "the kernel of the crate {krate} panicked: {message}; this is a defect of that crate"
    );
    match step {
        Some(step) => failed(defect, step),
        None => defect,
    }
}

pub(super) fn plan<E: Engine>(graph: &Graph, kernels: &Kernels<E>) -> anyhow::Result<Vec<Plan<E>>> {
    let slot = |value: crate::graph::Value| value.index() as u32;
    graph
        .nodes()
        .iter()
        .zip(last_uses(graph))
        .map(|(node, dead)| {
            let kernel = kernels
                .find(node.op.as_ref(), &graph.specs(&node.inputs))
                .with_context(|| format!("no kernel for {}", node.op.name()))?;
            Ok(Plan {
                op: node.op.clone(),
                kernel,
                krate: kernels.crate_of(node.op.as_ref()).unwrap_or_default(),
                inputs: node.inputs.iter().copied().map(slot).collect(),
                outputs: node.outputs.iter().copied().map(slot).collect(),
                dead: dead.into_iter().map(|value| value as u32).collect(),
            })
        })
        .collect()
}

/// Positions of the inputs that operators write over.
///
/// # Errors
/// When an operator writes over a parameter or a constant, which later runs read.
pub(super) fn overwritten_inputs(graph: &Graph) -> anyhow::Result<Vec<usize>> {
    let mut inputs = Vec::new();
    for overwrite in overwrites(graph) {
        let what = match graph.values()[overwrite.value.index()].source {
            Source::Input(position) => {
                inputs.push(position);
                continue;
            }
            Source::Param(position) => format!("parameter {}", graph.params()[position].name),
            Source::Constant(position) => format!("constant {}", graph.constants()[position].name),
            Source::Node(_) => continue,
        };
        let node = &graph.nodes()[overwrite.node];
        anyhow::bail!(
            "{} in {} writes over {what}, which the next run reads; let it write over a clone",
            node.op.name(),
            node.scope
        );
    }
    Ok(inputs)
}

pub(super) fn results(graph: &Graph) -> Vec<usize> {
    let outputs = graph.outputs().iter().map(|(_, value)| value.index());
    outputs
        .filter(|&value| matches!(graph.values()[value].source, Source::Node(_)))
        .collect()
}

/// One step for each node of a graph, in execution order.
pub fn steps(graph: &Graph) -> Vec<Step> {
    let composites: Vec<Arc<Parent>> = graph
        .composites()
        .iter()
        .map(|composite| {
            Arc::new(Parent {
                id: composite.id.clone(),
                op: composite.op.name().to_owned(),
                counted_whole: composite.op.eager() == Eager::Module,
                attrs: composite.op.attrs(),
                inputs: composite.inputs.clone(),
                traits: composite.op.traits(),
            })
        })
        .collect();
    let parents = |first: Option<usize>| {
        let up = |&index: &usize| graph.composites()[index].parent;
        let chain = std::iter::successors(first, up);
        chain.map(|index| composites[index].clone()).collect()
    };
    graph
        .nodes()
        .iter()
        .enumerate()
        .map(|(index, node)| Step {
            id: format!("n{index}"),
            scope: node.scope.to_string(),
            vocabulary: "ir",
            op: node.op.name().to_owned(),
            kind: Some(node.op.clone()),
            counted: Some(graph.counted_group(node)),
            parents: parents(node.parent),
            attrs: node.op.attrs(),
            inputs: graph.specs(&node.inputs),
            outputs: graph.specs(&node.outputs),
            fused: Vec::new(),
            provider: None,
        })
        .collect()
}
