//! The graph: a list of nodes in execution order, in static single assignment form.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::op::{Eager, Op, OpGroup};
use crate::shape::TensorSpec;
use crate::tensor::HostTensor;

/// A value of a graph: an input, a parameter, a constant, or an output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(super) u32);

impl Value {
    /// Its position in [`Graph::values`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An input of the graph, by position.
    Input(usize),
    /// A parameter, by position.
    Param(usize),
    /// A constant, by position.
    Constant(usize),
    /// An output of a node, by position of the node.
    Node(usize),
}

/// Spec and origin of a value.
#[derive(Clone, Debug)]
pub struct ValueInfo {
    /// Shape and element type.
    pub spec: TensorSpec,
    /// Origin.
    pub source: Source,
}

/// A named tensor that the caller gives.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name, as the reference implementation calls the argument.
    pub name: String,
    /// The value.
    pub value: Value,
    /// For indices: the values must be below this.
    pub below: Option<usize>,
}

/// How synthetic weights fill a parameter, so that activations stay finite through a deep model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Init {
    /// Mean of the values.
    pub mean: f32,
    /// Half the width of the uniform distribution around the mean.
    pub spread: f32,
}

impl Init {
    /// Uniform between `mean - spread` and `mean + spread`.
    pub const fn around(mean: f32, spread: f32) -> Self {
        Init { mean, spread }
    }

    /// Zero mean and the given standard deviation (the uniform half-width is the deviation times the
    /// square root of 3).
    pub fn std(deviation: f32) -> Self {
        Init::around(0.0, deviation * 3f32.sqrt())
    }
}

/// A parameter of a model.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name in published checkpoints.
    pub name: String,
    /// Other checkpoint names for the same tensor (tied weights).
    pub aliases: Vec<String>,
    /// Tensors of a checkpoint whose elements, one after the other, are the parameter's, where a
    /// checkpoint keeps it in pieces.
    pub pieces: Vec<Piece>,
    /// The value.
    pub value: Value,
    /// How synthetic weights fill it.
    pub init: Init,
    /// Whether it counts as a parameter; false for buffers such as running statistics.
    pub trainable: bool,
}

/// A tensor of a checkpoint that holds some of a parameter's elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its name.
    pub name: String,
    /// The sizes of its dimensions.
    pub shape: Vec<usize>,
}

/// A tensor that is part of the graph itself.
#[derive(Clone, Debug)]
pub struct Constant {
    /// What it is.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Its elements.
    pub tensor: Arc<HostTensor>,
}

/// A composite operator that was expanded into its parts.
#[derive(Clone, Debug)]
pub struct Composite {
    /// Its id, unique in the graph.
    pub id: String,
    /// The operator.
    pub op: Arc<dyn Op>,
    /// Module path.
    pub scope: Arc<str>,
    /// The composite that this one is a part of, by position in [`Graph::composites`].
    pub parent: Option<usize>,
    /// Specs of its inputs.
    pub inputs: Vec<TensorSpec>,
    /// Specs of its outputs.
    pub outputs: Vec<TensorSpec>,
}

/// One operator call.
#[derive(Clone, Debug)]
pub struct Node {
    /// The operator.
    pub op: Arc<dyn Op>,
    /// Module path as the reference implementation names it.
    pub scope: Arc<str>,
    /// What it reads.
    pub inputs: SmallVec<[Value; 4]>,
    /// What it defines.
    pub outputs: SmallVec<[Value; 1]>,
    /// The composite that it is a part of, by position in [`Graph::composites`].
    pub parent: Option<usize>,
}

/// A model as a graph of operators.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(super) values: Vec<ValueInfo>,
    pub(super) nodes: Vec<Node>,
    pub(super) inputs: Vec<Input>,
    pub(super) params: Vec<Param>,
    pub(super) constants: Vec<Constant>,
    pub(super) outputs: Vec<(String, Value)>,
    pub(super) composites: Vec<Composite>,
}

impl Graph {
    /// All values.
    pub fn values(&self) -> &[ValueInfo] {
        &self.values
    }

    /// Nodes in execution order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Inputs in the order of declaration.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Parameters in the order of declaration.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// Constants.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// Named outputs.
    pub fn outputs(&self) -> &[(String, Value)] {
        &self.outputs
    }

    /// Composites that were expanded by [`lower`](super::lower).
    pub fn composites(&self) -> &[Composite] {
        &self.composites
    }

    /// Spec of a value.
    pub fn spec(&self, value: Value) -> &TensorSpec {
        &self.values[value.index()].spec
    }

    /// Specs of several values.
    pub fn specs(&self, values: &[Value]) -> Vec<TensorSpec> {
        values.iter().map(|&v| self.spec(v).clone()).collect()
    }

    /// Number of trainable parameters.
    pub fn parameter_count(&self) -> u64 {
        self.params
            .iter()
            .filter(|p| p.trainable)
            .map(|p| self.spec(p.value).elements())
            .sum()
    }

    /// Bytes of all parameters and buffers.
    pub fn weight_bytes(&self) -> u64 {
        self.params.iter().map(|p| self.spec(p.value).bytes()).sum()
    }

    /// The group that a node is counted in: that of the outermost composite which the literature
    /// counts as one operator, else its own.
    pub fn counted_group(&self, node: &Node) -> OpGroup {
        let mut group = node.op.group();
        let mut parent = node.parent;
        while let Some(index) = parent {
            let composite = &self.composites[index];
            if composite.op.eager() == Eager::Module {
                group = composite.op.group();
            }
            parent = composite.parent;
        }
        group
    }
}

impl fmt::Display for Graph {
    /// One line per node: `scope: op(input specs) -> output specs`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[Value]| {
            let specs: Vec<String> = values.iter().map(|&v| self.spec(v).to_string()).collect();
            specs.join(", ")
        };
        for node in &self.nodes {
            writeln!(
                f,
                "{}: {}({}) -> {}",
                node.scope,
                node.op.name(),
                list(&node.inputs),
                list(&node.outputs)
            )?;
        }
        Ok(())
    }
}
