//! What went into a call.
//!
//! The profiler leaves out weights that a kernel has packed for itself; the model still says what they
//! are.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::attributes::tensor_json;
use super::trace::Call;
use crate::proto::{DataType, GraphProto, NodeProto, TensorProto};

/// Element type, by the profiler's name, and shape.
pub(crate) type Operand = (String, Vec<usize>);

/// The profiler's names of element types.
const TYPES: &[(DataType, &str)] = &[
    (DataType::Float, "float"),
    (DataType::Double, "double"),
    (DataType::Float16, "float16"),
    (DataType::Bfloat16, "bfloat16"),
    (DataType::Int64, "int64"),
    (DataType::Int32, "int32"),
    (DataType::Int16, "int16"),
    (DataType::Int8, "int8"),
    (DataType::Uint64, "uint64"),
    (DataType::Uint32, "uint32"),
    (DataType::Uint16, "uint16"),
    (DataType::Uint8, "uint8"),
    (DataType::Bool, "bool"),
    (DataType::String, "string"),
];

/// The element type that the profiler calls `name`.
pub(crate) fn data_type(name: &str) -> Option<DataType> {
    let mut types = TYPES.iter();
    types.find(|(_, own)| *own == name).map(|(ty, _)| *ty)
}

/// A graph's weights and constants by name.
pub(crate) struct Initializers<'g>(BTreeMap<&'g str, &'g TensorProto>);

impl<'g> Initializers<'g> {
    pub(crate) fn of(graph: Option<&'g GraphProto>) -> Self {
        let tensors = graph.into_iter().flat_map(|graph| &graph.initializer);
        Initializers(
            tensors
                .map(|tensor| (tensor.name.as_str(), tensor))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&'g TensorProto> {
        self.0.get(name).copied()
    }

    /// The inputs of a call in the order of its node's.
    pub(crate) fn inputs(&self, call: &Call, node: &NodeProto) -> Vec<Operand> {
        let names = node.input.iter().filter(|name| !name.is_empty());
        let mut seen = call.inputs.iter().peekable();
        let mut last = None;
        let mut operands = Vec::new();
        for name in names {
            let known = self.get(name).and_then(operand);
            let packed = known.filter(|known| seen.peek() != Some(&known));
            if packed.is_none() {
                // Out of entries only where a packed weight looked the same as the one read here.
                last = seen.next().or(last);
            }
            operands.extend(packed.or_else(|| last.cloned()));
        }
        operands.extend(seen.cloned());
        operands
    }

    /// What a replay must know of a node's inputs: those left out, those that are small constants (axes,
    /// shapes, scales), and those that are weights.
    pub(crate) fn describe(&self, node: &NodeProto, call: &mut Map<String, Value>) {
        let mut absent = Vec::new();
        let mut weights = Vec::new();
        let mut constants = Map::new();
        for (index, name) in node.input.iter().enumerate() {
            if name.is_empty() {
                absent.push(index);
            } else if let Some(tensor) = self.get(name) {
                let written = tensor_json(tensor);
                if written.get("data").is_some() {
                    constants.insert(index.to_string(), written);
                } else {
                    weights.push(index);
                }
            }
        }
        for (key, list) in [("absent", absent), ("weights", weights)] {
            if !list.is_empty() {
                call.insert(key.to_owned(), list.into());
            }
        }
        if !constants.is_empty() {
            call.insert("constants".to_owned(), constants.into());
        }
    }
}

fn operand(tensor: &TensorProto) -> Option<Operand> {
    let ty = DataType::try_from(tensor.data_type).ok()?;
    let name = TYPES.iter().find(|(own, _)| *own == ty)?.1;
    let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
    Some((name.to_owned(), sizes.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_weights_are_put_back() {
        let tensor = |name: &str, dims: &[i64]| TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            ..TensorProto::default()
        };
        let graph = GraphProto {
            initializer: vec![tensor("w", &[4, 8]), tensor("b", &[8])],
            ..GraphProto::default()
        };
        let node = NodeProto {
            input: ["x", "w", "", "b"].map(str::to_owned).to_vec(),
            ..NodeProto::default()
        };
        let float = |dims: &[usize]| ("float".to_owned(), dims.to_vec());
        let call = Call {
            inputs: vec![float(&[2, 4]), float(&[8])],
            ..Call::default()
        };
        let initializers = Initializers::of(Some(&graph));
        let inputs = initializers.inputs(&call, &node);
        assert_eq!(inputs, [float(&[2, 4]), float(&[4, 8]), float(&[8])]);
    }
}
