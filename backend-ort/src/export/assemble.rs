//! Puts the parts of a model together.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context;
use nongemm_core::graph::{CompositePolicy, Graph, LowerError, Value, lower};
use nongemm_core::plugin::PrepareError;
use nongemm_core::shape::{Dim, Shape, TensorSpec};

use super::names::{Names, label};
use super::{Model, Weight};
use crate::emit::{self, Emitted, Emitter, Forms, IR_VERSION, OPSET, Tensor};
use crate::proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

impl Model {
    /// Lowers a graph and writes it as a model.
    ///
    /// # Errors
    /// When operators have neither an ONNX form nor parts (all are listed), or a form does not take its inputs.
    pub fn new(graph: &Graph, policy: CompositePolicy) -> Result<Model, PrepareError> {
        let forms = Forms::get()?;
        let graph = lower_with(graph, policy, forms)?;
        Ok(Assembly::new(&graph).model(forms)?)
    }
}

fn lower_with(graph: &Graph, policy: CompositePolicy, forms: &Forms) -> Result<Graph, LowerError> {
    lower(graph, policy, &|op, inputs| {
        forms.find(op, inputs).is_some()
    })
}

struct Assembly<'g> {
    graph: &'g Graph,
    names: Names,
    /// The graph's values as they are known in the model.
    values: HashMap<usize, Tensor>,
    emitter: Emitter,
    weights: Vec<Weight>,
    proto: GraphProto,
}

impl<'g> Assembly<'g> {
    fn new(graph: &'g Graph) -> Self {
        Assembly {
            graph,
            names: Names::default(),
            values: HashMap::new(),
            emitter: Emitter::default(),
            weights: Vec::new(),
            proto: GraphProto {
                name: "nongemm".to_owned(),
                ..GraphProto::default()
            },
        }
    }

    fn model(mut self, forms: &Forms) -> anyhow::Result<Model> {
        let outputs = self.declare();
        self.nodes(forms)?;
        let emitted = std::mem::take(&mut self.emitter).finish();
        self.collect(emitted);
        self.outputs(outputs);
        let opset = OperatorSetIdProto {
            domain: String::new(),
            version: OPSET,
        };
        Ok(Model {
            proto: ModelProto {
                ir_version: IR_VERSION,
                producer_name: "nongemm".to_owned(),
                producer_version: env!("CARGO_PKG_VERSION").to_owned(),
                opset_import: vec![opset],
                graph: Some(self.proto),
                ..ModelProto::default()
            },
            weights: self.weights,
            graph: self.graph.clone(),
        })
    }

    fn define(&mut self, value: Value, name: &str) -> String {
        let name = self.names.unique(name);
        let spec = self.graph.spec(value).clone();
        let tensor = Tensor::new(name.as_str(), spec);
        self.values.insert(value.index(), tensor);
        name
    }

    /// Inputs, weights and constants. Returns the names of the outputs.
    fn declare(&mut self) -> Vec<String> {
        let graph = self.graph;
        for input in graph.inputs() {
            let name = self.define(input.value, &input.name);
            let info = value_info(name, graph.spec(input.value));
            self.proto.input.push(info);
        }
        let outputs = graph.outputs().iter();
        let outputs = outputs.map(|(name, _)| self.names.unique(name)).collect();
        for (index, param) in graph.params().iter().enumerate() {
            let name = self.define(param.value, &param.name);
            self.weights.push(Weight {
                name,
                spec: graph.spec(param.value).clone(),
                param: index,
                transposed: false,
            });
        }
        for constant in graph.constants() {
            let name = self.define(constant.value, &constant.name);
            let tensor = emit::tensor(&name, &constant.tensor);
            self.proto.initializer.push(tensor);
        }
        outputs
    }

    fn nodes(&mut self, forms: &Forms) -> anyhow::Result<()> {
        for (index, node) in self.graph.nodes().iter().enumerate() {
            let specs = self.graph.specs(&node.inputs);
            let form = forms.find(node.op.as_ref(), &specs);
            let form = form.with_context(|| format!("no ONNX form for {}", node.op.name()))?;
            let inputs: Vec<Tensor> = node
                .inputs
                .iter()
                .map(|value| self.values[&value.index()].clone())
                .collect();
            let name = label(&node.scope, index, node.op.name());
            self.emitter
                .begin(name.clone(), self.graph.specs(&node.outputs));
            let outputs = form(node.op.as_ref(), &mut self.emitter, &inputs);
            let outputs = outputs.with_context(|| name.clone())?;
            anyhow::ensure!(
                outputs.len() == node.outputs.len(),
                "{name}: the form has {} outputs, the operator {}",
                outputs.len(),
                node.outputs.len()
            );
            for (&value, output) in node.outputs.iter().zip(outputs) {
                let spec = self.graph.spec(value);
                let found = output.spec();
                anyhow::ensure!(
                    found.dtype == spec.dtype && found.shape.rank() == spec.shape.rank(),
                    "{name}: the form makes {found}, the operator {spec}"
                );
                let output = output.known_as(spec.shape.clone());
                self.values.insert(value.index(), output);
            }
        }
        Ok(())
    }

    /// Takes over nodes and constants, and decides how weights that are wanted transposed are stored.
    fn collect(&mut self, emitted: Emitted) {
        self.proto.initializer.extend(emitted.constants);
        let results = self.graph.outputs().iter();
        let results = results.map(|(_, value)| &*self.values[&value.index()].name);
        let mut read: HashSet<&str> = results.collect();
        for node in &emitted.nodes {
            read.extend(node.input.iter().map(String::as_str));
        }
        let mut first = Vec::new();
        for (name, transposed) in &emitted.transposed {
            let weight = self.weights.iter_mut().find(|weight| weight.name == *name);
            match weight {
                Some(weight) if !read.contains(name.as_str()) => {
                    weight.name = transposed.name.to_string();
                    weight.spec = transposed.spec().clone();
                    weight.transposed = true;
                }
                _ => first.push(transpose(name, transposed)),
            }
        }
        self.proto.node = place(first, emitted.nodes);
    }

    /// Gives the results the names of the graph's outputs, and says the types of all values.
    fn outputs(&mut self, names: Vec<String>) {
        let made: HashSet<String> = self
            .proto
            .node
            .iter()
            .flat_map(|node| node.output.iter().cloned())
            .collect();
        let mut renamed: BTreeMap<String, String> = BTreeMap::new();
        for ((_, value), name) in self.graph.outputs().iter().zip(names) {
            let tensor = &self.values[&value.index()];
            let old = tensor.name.to_string();
            let spec = self.graph.spec(*value);
            self.proto.output.push(value_info(name.clone(), spec));
            if made.contains(&old) && !renamed.contains_key(&old) {
                renamed.insert(old, name);
            } else {
                let from = renamed.get(&old).cloned().unwrap_or(old);
                self.proto.node.push(NodeProto {
                    name: format!("output/{name}"),
                    op_type: "Identity".to_owned(),
                    input: vec![from],
                    output: vec![name],
                    ..NodeProto::default()
                });
            }
        }
        for node in &mut self.proto.node {
            for name in node.input.iter_mut().chain(&mut node.output) {
                if let Some(new) = renamed.get(name) {
                    name.clone_from(new);
                }
            }
        }
        let mut known: HashSet<&str> = HashSet::new();
        for node in self.graph.nodes() {
            for value in &node.outputs {
                let tensor = &self.values[&value.index()];
                let is_made = made.contains(&*tensor.name) && !renamed.contains_key(&*tensor.name);
                if is_made && known.insert(&tensor.name) {
                    let info = value_info(tensor.name.to_string(), tensor.spec());
                    self.proto.value_info.push(info);
                }
            }
        }
    }
}

/// A node that transposes a matrix.
fn transpose(name: &str, transposed: &Tensor) -> NodeProto {
    let mut emitter = Emitter::default();
    emitter.begin(format!("{name}/transposed"), Vec::new());
    let mut dims = transposed.shape().dims().to_vec();
    dims.reverse();
    let spec = transposed.spec().with_shape(Shape::new(dims));
    emitter.transpose(&Tensor::new(name, spec), &[1, 0]);
    let mut node = emitter.finish().nodes.remove(0);
    node.output = vec![transposed.name.to_string()];
    node
}

/// The nodes with those that transpose right before the first that reads what they make.
fn place(mut first: Vec<NodeProto>, nodes: Vec<NodeProto>) -> Vec<NodeProto> {
    let mut placed = Vec::with_capacity(first.len() + nodes.len());
    for node in nodes {
        let reads = |other: &NodeProto| other.output.iter().any(|name| node.input.contains(name));
        while let Some(at) = first.iter().position(reads) {
            placed.push(first.remove(at));
        }
        placed.push(node);
    }
    placed
}

/// Name and type of a value. A symbolic dimension keeps its symbol.
fn value_info(name: String, spec: &TensorSpec) -> ValueInfoProto {
    let dims = spec.shape.dims().iter().map(|dim| Dimension {
        value: Some(match dim {
            Dim::Known(size) => DimensionValue::Size(*size as i64),
            Dim::Symbol(symbol) => DimensionValue::Param(symbol.to_string()),
        }),
        denotation: String::new(),
    });
    let tensor = TensorType {
        elem_type: emit::data_type(spec.dtype).into(),
        shape: Some(TensorShapeProto {
            dim: dims.collect(),
        }),
    };
    ValueInfoProto {
        name,
        r#type: Some(TypeProto {
            value: Some(TypeValue::Tensor(tensor)),
            denotation: String::new(),
        }),
        ..ValueInfoProto::default()
    }
}
