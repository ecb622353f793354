//! How a backend runs an operator.

use super::backend::Backend;
use crate::graph::{CompositePolicy, Graph, lower};

/// How a backend runs a graph of one operator. The order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Support {
    /// By a kernel of its own.
    Kernel,
    /// In parts that it has kernels for.
    Parts,
    /// Not at all.
    Missing,
}

impl Support {
    /// The word in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Support::Kernel => "kernel",
            Support::Parts => "parts",
            Support::Missing => "missing",
        }
    }
}

/// How a backend runs the only operator of a graph ([`OpCase::graph`](crate::op::OpCase::graph)), with composites
/// as the policy says.
pub fn support(backend: &dyn Backend, graph: &Graph, policy: CompositePolicy) -> Support {
    let has_kernel = |op: &dyn crate::op::Op, inputs: &[_]| backend.has_kernel(op, inputs);
    match lower(graph, policy, &has_kernel) {
        Ok(lowered) => match (lowered.nodes(), graph.nodes()) {
            ([node], [whole]) if node.op.name() == whole.op.name() => Support::Kernel,
            _ => Support::Parts,
        },
        Err(_) => Support::Missing,
    }
}
