//! The ONNX graph under construction: nodes, constants and names.

use std::collections::{BTreeMap, HashMap};

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Shape, TensorSpec};
use nongemm_core::tensor::{HostData, HostTensor};

use super::convert;
use super::value::Tensor;
use crate::proto::{AttributeProto, AttributeType, NodeProto, TensorProto};

/// Adds ONNX nodes for one operator after the other.
#[derive(Debug, Default)]
pub struct Emitter {
    /// Names the nodes of the current operator: module path, number and name of the graph's node.
    label: String,
    /// Nodes that the current operator has so far.
    count: usize,
    outputs: Vec<TensorSpec>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    known: HashMap<(DType, Vec<usize>, Vec<u8>), Tensor>,
    /// Matrices that are wanted transposed: by their names, the names of the transposed ones.
    transposed: BTreeMap<String, Tensor>,
}

/// What an emitter has at the end.
pub(crate) struct Emitted {
    pub(crate) nodes: Vec<NodeProto>,
    pub(crate) constants: Vec<TensorProto>,
    pub(crate) transposed: BTreeMap<String, Tensor>,
}

/// A node that is about to be added.
#[must_use]
pub struct Call<'e> {
    emitter: &'e mut Emitter,
    node: NodeProto,
}

impl Emitter {
    /// Turns to the next operator of the graph.
    pub(crate) fn begin(&mut self, label: String, outputs: Vec<TensorSpec>) {
        self.label = label;
        self.count = 0;
        self.outputs = outputs;
    }

    pub(crate) fn finish(self) -> Emitted {
        Emitted {
            nodes: self.nodes,
            constants: self.constants,
            transposed: self.transposed,
        }
    }

    /// Spec of an output of the current operator, as the graph infers it.
    pub fn output(&self, index: usize) -> TensorSpec {
        self.outputs[index].clone()
    }

    /// Number of outputs of the current operator.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// A node of the operator `op_type` of ONNX's own set.
    pub fn call(&mut self, op_type: &str, inputs: &[&Tensor]) -> Call<'_> {
        let name = match self.count {
            0 => self.label.clone(),
            count => format!("{}.{count}", self.label),
        };
        self.count += 1;
        // Optional inputs at the end are left out without a trace.
        let given = inputs.iter().rposition(|input| !input.name.is_empty());
        let inputs = &inputs[..given.map_or(0, |last| last + 1)];
        Call {
            emitter: self,
            node: NodeProto {
                name,
                op_type: op_type.to_owned(),
                input: inputs.iter().map(|input| input.name.to_string()).collect(),
                ..NodeProto::default()
            },
        }
    }

    /// An operator of one input whose output is like it.
    pub fn map(&mut self, op_type: &str, x: &Tensor) -> Tensor {
        self.call(op_type, &[x]).one(x.spec().clone())
    }

    /// An operator of two inputs of one type that broadcast; the output has their type.
    ///
    /// # Errors
    /// When they do not broadcast.
    pub fn zip(&mut self, op_type: &str, a: &Tensor, b: &Tensor) -> anyhow::Result<Tensor> {
        let shape = a.shape().broadcast(b.shape())?;
        Ok(self.call(op_type, &[a, b]).one(a.spec().with_shape(shape)))
    }

    /// A constant; equal ones are one.
    pub fn constant(&mut self, tensor: &HostTensor) -> Tensor {
        let key = (
            tensor.dtype(),
            tensor.shape().to_vec(),
            tensor.data().as_bytes().to_vec(),
        );
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = format!("constant/{}", self.constants.len());
        self.constants.push(convert::tensor(&name, tensor));
        let value = Tensor::new(name, tensor.spec());
        self.known.insert(key, value.clone());
        value
    }

    /// A constant of elements and shape.
    ///
    /// # Errors
    /// When the number of elements is not that of the shape.
    pub fn elements(&mut self, shape: &[usize], data: HostData) -> anyhow::Result<Tensor> {
        let tensor = HostTensor::new(shape, data)?;
        Ok(self.constant(&tensor))
    }

    /// A constant vector of `i64`: axes, sizes, indices.
    pub fn ints(&mut self, values: &[i64]) -> Tensor {
        self.vector(HostData::I64(values.to_vec()))
    }

    fn vector(&mut self, data: HostData) -> Tensor {
        let spec = TensorSpec::new(data.dtype(), [data.len()]);
        match HostTensor::new([data.len()], data) {
            Ok(tensor) => self.constant(&tensor),
            // A vector has as many elements as it has.
            Err(_) => Tensor::new("", spec),
        }
    }

    /// A constant number without dimensions.
    ///
    /// # Errors
    /// When the type cannot hold it.
    pub fn number(&mut self, value: f64, dtype: DType) -> anyhow::Result<Tensor> {
        let tensor = convert::filled(value, dtype, 1)?;
        self.elements(&[], tensor)
    }

    /// `x` with its two dimensions swapped. Weights that no node reads otherwise are stored so.
    pub fn transposed_matrix(&mut self, x: &Tensor) -> Tensor {
        let mut shape = x.shape().clone();
        shape.dims_mut().reverse();
        let name = format!("{}.T", x.name);
        let value = Tensor::new(name, x.spec().with_shape(shape));
        self.transposed.insert(x.name.to_string(), value.clone());
        value
    }

    /// The shape of `x`, or the sizes of dimensions `from` up to and not including `to`: an `i64` vector.
    pub fn sizes(&mut self, x: &Tensor, from: usize, to: usize) -> Tensor {
        let dims = &x.shape().dims()[from..to];
        if let Some(known) = Shape::new(dims.iter().cloned()).known() {
            let known: Vec<i64> = known.into_iter().map(|size| size as i64).collect();
            return self.ints(&known);
        }
        let spec = TensorSpec::new(DType::I64, [to - from]);
        let call = self.call("Shape", &[x]);
        call.int("start", from as i64)
            .int("end", to as i64)
            .one(spec)
    }
}

impl Call<'_> {
    fn attribute(mut self, name: &str, kind: AttributeType, value: AttributeProto) -> Self {
        self.node.attribute.push(AttributeProto {
            name: name.to_owned(),
            r#type: kind.into(),
            ..value
        });
        self
    }

    /// With a whole number as attribute.
    pub fn int(self, name: &str, i: i64) -> Self {
        let value = AttributeProto {
            i,
            ..AttributeProto::default()
        };
        self.attribute(name, AttributeType::Int, value)
    }

    /// With whole numbers as attribute.
    pub fn ints(self, name: &str, ints: impl IntoIterator<Item = i64>) -> Self {
        let value = AttributeProto {
            ints: ints.into_iter().collect(),
            ..AttributeProto::default()
        };
        self.attribute(name, AttributeType::Ints, value)
    }

    /// With a number as attribute.
    pub fn float(self, name: &str, f: f64) -> Self {
        let value = AttributeProto {
            f: f as f32,
            ..AttributeProto::default()
        };
        self.attribute(name, AttributeType::Float, value)
    }

    /// With a text as attribute.
    pub fn text(self, name: &str, text: &str) -> Self {
        let value = AttributeProto {
            s: text.as_bytes().to_vec(),
            ..AttributeProto::default()
        };
        self.attribute(name, AttributeType::String, value)
    }

    /// With a tensor as attribute.
    pub fn tensor(self, name: &str, tensor: &HostTensor) -> Self {
        let value = AttributeProto {
            t: Some(Box::new(convert::tensor("", tensor))),
            ..AttributeProto::default()
        };
        self.attribute(name, AttributeType::Tensor, value)
    }

    /// Adds the node, which has one output.
    pub fn one(self, spec: TensorSpec) -> Tensor {
        let name = self.node.name.clone();
        self.add(vec![Tensor::new(name, spec)]).remove(0)
    }

    /// Adds the node, which has several outputs.
    pub fn several(self, specs: Vec<TensorSpec>) -> Vec<Tensor> {
        let name = &self.node.name;
        let outputs = specs.into_iter().enumerate().map(|(i, spec)| match i {
            0 => Tensor::new(name.as_str(), spec),
            i => Tensor::new(format!("{name}:{i}"), spec),
        });
        let outputs = outputs.collect();
        self.add(outputs)
    }

    fn add(mut self, outputs: Vec<Tensor>) -> Vec<Tensor> {
        self.node.output = outputs.iter().map(|value| value.name.to_string()).collect();
        self.emitter.nodes.push(self.node);
        outputs
    }
}
