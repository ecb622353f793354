//! Builds a graph, inferring shapes as it goes.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::ir::{
    Composite, Constant, Graph, Init, Input, Node, Param, Piece, Source, Value, ValueInfo,
};
use crate::dtype::DType;
use crate::op::{Op, crate_of};
use crate::plugin::caught;
use crate::shape::{Dim, Shape, ShapeError, TensorSpec};
use crate::tensor::HostTensor;

/// Why a graph cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An operator does not take its inputs.
    #[error("{scope}: {op}({inputs}): {source}")]
    Op {
        /// Module path.
        scope: String,
        /// Operator.
        op: &'static str,
        /// Specs of the inputs.
        inputs: String,
        /// What does not fit.
        source: ShapeError,
    },
    /// A name is used twice for an input or a parameter.
    #[error("{what} `{name}` is declared twice")]
    Duplicate {
        /// Input or parameter.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The configuration of a model is not possible.
    #[error("{0}")]
    Config(String),
    /// An operator panicked.
    #[error(
        "operator `{op}` of the crate {krate} panicked: {message}; this is a defect of that crate"
    )]
    Panicked {
        /// The operator.
        op: &'static str,
        /// The crate that registers it.
        krate: &'static str,
        /// What it said.
        message: String,
    },
}

impl BuildError {
    /// An impossible configuration, with its explanation.
    pub fn config(message: impl Into<String>) -> Self {
        BuildError::Config(message.into())
    }

    /// A panic of an operator.
    pub(super) fn panicked(op: &dyn Op, message: String) -> Self {
        let (op, krate) = (op.name(), crate_of(op.name()).unwrap_or("that uses it"));
        BuildError::Panicked { op, krate, message }
    }
}

/// Adds nodes to a graph under construction.
///
/// Scopes nest and give nodes and parameters their module paths:
/// `g.scope("h.0", |g| ...)` inside `g.scope("transformer", ...)` is `transformer.h.0`.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    graph: Graph,
    scope: Arc<str>,
    parent: Option<usize>,
    dtype: Option<DType>,
    params: HashMap<String, Value>,
}

impl GraphBuilder {
    /// An empty graph whose floating-point parameters are of type `dtype`.
    pub fn new(dtype: DType) -> Self {
        GraphBuilder {
            dtype: Some(dtype),
            ..GraphBuilder::default()
        }
    }

    /// The floating-point type of the model.
    pub fn dtype(&self) -> DType {
        self.dtype.unwrap_or(DType::F32)
    }

    /// The current module path.
    pub fn current_scope(&self) -> &str {
        &self.scope
    }

    /// Runs `body` inside a named scope.
    pub fn scope<R>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> R) -> R {
        let inner = self.qualify(name);
        let outer = std::mem::replace(&mut self.scope, inner.into());
        let result = body(self);
        self.scope = outer;
        result
    }

    fn qualify(&self, name: &str) -> String {
        match (self.scope.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (false, true) => self.scope.to_string(),
            (false, false) => format!("{}.{name}", self.scope),
        }
    }

    fn define(&mut self, spec: TensorSpec, source: Source) -> Value {
        let value = Value(self.graph.values.len() as u32);
        self.graph.values.push(ValueInfo { spec, source });
        value
    }

    /// Declares an input of the graph.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn input(&mut self, name: &str, spec: TensorSpec) -> Result<Value, BuildError> {
        self.declare_input(name, spec, None)
    }

    /// Declares an input that holds indices into a table of `below` rows (token ids).
    ///
    /// # Errors
    /// When the name is taken.
    pub fn index_input(
        &mut self,
        name: &str,
        spec: TensorSpec,
        below: usize,
    ) -> Result<Value, BuildError> {
        self.declare_input(name, spec, Some(below))
    }

    fn declare_input(
        &mut self,
        name: &str,
        spec: TensorSpec,
        below: Option<usize>,
    ) -> Result<Value, BuildError> {
        if self.graph.inputs.iter().any(|input| input.name == name) {
            return Err(BuildError::Duplicate {
                what: "input",
                name: name.to_owned(),
            });
        }
        let value = self.define(spec, Source::Input(self.graph.inputs.len()));
        self.graph.inputs.push(Input {
            name: name.to_owned(),
            value,
            below,
        });
        Ok(value)
    }

    /// Declares a parameter `scope.name` of the model's floating-point type.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn param(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        init: Init,
    ) -> Result<Value, BuildError> {
        self.declare(name, shape.into(), init, true)
    }

    /// Declares a buffer `scope.name`: stored in checkpoints, not counted as a parameter.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn buffer(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        init: Init,
    ) -> Result<Value, BuildError> {
        self.declare(name, shape.into(), init, false)
    }

    fn declare(
        &mut self,
        name: &str,
        shape: Shape,
        init: Init,
        trainable: bool,
    ) -> Result<Value, BuildError> {
        let name = self.qualify(name);
        if self.params.contains_key(&name) {
            return Err(BuildError::Duplicate {
                what: "parameter",
                name,
            });
        }
        let spec = TensorSpec::new(self.dtype(), shape);
        let value = self.define(spec, Source::Param(self.graph.params.len()));
        self.params.insert(name.clone(), value);
        self.graph.params.push(Param {
            name,
            aliases: Vec::new(),
            pieces: Vec::new(),
            value,
            init,
            trainable,
        });
        Ok(value)
    }

    /// Says that the checkpoint may also call the parameter `value` `alias` (tied weights; full name).
    pub fn alias(&mut self, value: Value, alias: &str) {
        if let Source::Param(index) = self.graph.values[value.index()].source {
            self.graph.params[index].aliases.push(alias.to_owned());
        }
    }

    /// Gives every parameter whose name `alias` answers for a second name: for checkpoints published
    /// under the names of an earlier version of the reference implementation.
    pub fn alias_all(&mut self, alias: impl Fn(&str) -> Option<String>) {
        for param in &mut self.graph.params {
            param.aliases.extend(alias(&param.name));
        }
    }

    /// Says in which pieces a checkpoint may keep each parameter, where `pieces` answers for its name and
    /// shape: for checkpoints published with separate tensors where the reference implementation now has
    /// one. The elements of the pieces, one after the other, are the parameter's.
    pub fn pieces_all(&mut self, pieces: impl Fn(&str, &[usize]) -> Option<Vec<Piece>>) {
        for param in &mut self.graph.params {
            let shape = self.graph.values[param.value.index()].spec.shape.known();
            let found = shape.and_then(|shape| pieces(&param.name, &shape));
            param.pieces.extend(found.into_iter().flatten());
        }
    }

    /// Adds a constant tensor, named `scope.name`.
    pub fn constant(&mut self, name: &str, tensor: HostTensor) -> Value {
        let name = self.qualify(name);
        let value = self.define(tensor.spec(), Source::Constant(self.graph.constants.len()));
        self.graph.constants.push(Constant {
            name,
            value,
            tensor: Arc::new(tensor),
        });
        value
    }

    /// Spec of a value.
    pub fn spec(&self, value: Value) -> &TensorSpec {
        self.graph.spec(value)
    }

    /// Adds an operator and returns its outputs.
    ///
    /// # Errors
    /// When the operator does not take these inputs.
    pub fn add(&mut self, op: impl Op, inputs: &[Value]) -> Result<Vec<Value>, BuildError> {
        self.add_shared(Arc::new(op), inputs)
    }

    /// Adds an operator with exactly one output and returns it.
    ///
    /// # Errors
    /// When the operator does not take these inputs, or has not exactly one output.
    pub fn one(&mut self, op: impl Op, inputs: &[Value]) -> Result<Value, BuildError> {
        let name = op.name();
        match self.add(op, inputs)?.as_slice() {
            [value] => Ok(*value),
            outputs => Err(BuildError::Config(format!(
                "{}: {name} has {} outputs where one is expected",
                self.scope,
                outputs.len()
            ))),
        }
    }

    /// Adds an operator that is already shared.
    ///
    /// # Errors
    /// When the operator does not take these inputs.
    pub fn add_shared(
        &mut self,
        op: Arc<dyn Op>,
        inputs: &[Value],
    ) -> Result<Vec<Value>, BuildError> {
        let specs = self.graph.specs(inputs);
        let inferred = caught(|| op.infer(&specs)).map_err(|m| BuildError::panicked(&*op, m))?;
        let outputs = inferred.map_err(|source| BuildError::Op {
            scope: self.scope.to_string(),
            op: op.name(),
            inputs: specs
                .iter()
                .map(TensorSpec::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            source,
        })?;
        let index = self.graph.nodes.len();
        let outputs: SmallVec<[Value; 1]> = outputs
            .into_iter()
            .map(|mut spec| {
                make_symbols_unique(&mut spec, &specs, index);
                self.define(spec, Source::Node(index))
            })
            .collect();
        let result = outputs.to_vec();
        self.graph.nodes.push(Node {
            op,
            scope: self.scope.clone(),
            inputs: inputs.iter().copied().collect(),
            outputs,
            parent: self.parent,
        });
        Ok(result)
    }

    /// Names an output of the graph.
    pub fn output(&mut self, name: &str, value: Value) {
        self.graph.outputs.push((name.to_owned(), value));
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        self.graph
    }

    // What lowering needs: to rebuild a graph with some nodes expanded.

    pub(super) fn from_declarations(graph: &Graph) -> Self {
        let mut copy = graph.clone();
        copy.nodes.clear();
        copy.outputs.clear();
        copy.values
            .retain(|info| !matches!(info.source, Source::Node(_)));
        GraphBuilder {
            graph: copy,
            dtype: None,
            ..GraphBuilder::default()
        }
    }

    /// Moves inputs, parameters and constants to new values (their order among the values is kept).
    pub(super) fn rebind(&mut self, map: &[Option<Value>]) {
        let move_to = |value: &mut Value| {
            if let Some(new) = map[value.index()] {
                *value = new;
            }
        };
        self.graph
            .inputs
            .iter_mut()
            .for_each(|x| move_to(&mut x.value));
        self.graph
            .params
            .iter_mut()
            .for_each(|x| move_to(&mut x.value));
        self.graph
            .constants
            .iter_mut()
            .for_each(|x| move_to(&mut x.value));
    }

    pub(super) fn enter(&mut self, scope: &Arc<str>, parent: Option<usize>) {
        self.scope = scope.clone();
        self.parent = parent;
    }

    pub(super) fn push_composite(&mut self, mut composite: Composite) -> usize {
        let index = self.graph.composites.len();
        composite.id = format!("c{index}");
        self.graph.composites.push(composite);
        index
    }

    pub(super) fn pop_composite(&mut self) {
        self.graph.composites.pop();
    }
}

/// A symbol that an operator made up gets the node's index, so that two nodes never share one by
/// accident; symbols that come from the inputs, and sums of them, keep their identity.
fn make_symbols_unique(spec: &mut TensorSpec, inputs: &[TensorSpec], node: usize) {
    for dim in spec.shape.dims_mut() {
        let from_input = inputs.iter().any(|input| input.shape.dims().contains(dim));
        if let (Dim::Symbol(name), false) = (&*dim, from_input || dim.is_sum()) {
            *dim = Dim::symbol(format!("{name}#{node}"));
        }
    }
}
