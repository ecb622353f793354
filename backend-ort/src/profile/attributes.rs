//! Attributes of nodes as JSON, and back, so that a call that was recorded can be replayed.
//!
//! Whole numbers, numbers, texts and lists of them are written as JSON has them. A tensor is an object
//! with `type`, `dims` and `data` (base64 is for machines; these are numbers), a graph is the number of
//! its nodes.

use nongemm_core::op::Attrs;
use serde_json::{Map, Value, json};

use crate::proto::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};

/// Whole numbers that a tensor may have to be written out: shapes, axes, pads.
const MOST_INTEGERS: usize = 64;
/// Numbers that it may have: bounds, scales. More are weights, which say nothing of what a node does.
const MOST_FLOATS: usize = 8;

/// The attributes of a node.
pub(crate) fn read_attributes(node: &NodeProto) -> Attrs {
    let pairs = node.attribute.iter();
    pairs
        .map(|attribute| (attribute.name.clone(), value(attribute)))
        .collect()
}

fn value(attribute: &AttributeProto) -> Value {
    let text = |bytes: &Vec<u8>| Value::from(String::from_utf8_lossy(bytes));
    let float = |f: &f32| number(f64::from(*f));
    match attribute.r#type() {
        AttributeType::Float => float(&attribute.f),
        AttributeType::Int => attribute.i.into(),
        AttributeType::String => text(&attribute.s),
        AttributeType::Floats => attribute.floats.iter().map(float).collect(),
        AttributeType::Ints => attribute.ints.clone().into(),
        AttributeType::Strings => attribute.strings.iter().map(text).collect(),
        AttributeType::Tensor => attribute.t.as_deref().map_or(Value::Null, tensor_json),
        AttributeType::Graph => {
            let nodes = attribute.g.as_ref().map_or(0, |graph| graph.node.len());
            json!({ "nodes": nodes })
        }
        other => json!({ "kind": format!("{other:?}").to_lowercase() }),
    }
}

/// A number, also where JSON has none for it.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::from)
}

/// A tensor with its elements where they are few and plain; else its type and shape.
pub(crate) fn tensor_json(tensor: &TensorProto) -> Value {
    let mut map = Map::new();
    map.insert("type".to_owned(), tensor.data_type.into());
    map.insert("dims".to_owned(), tensor.dims.clone().into());
    if let Some(data) = elements(tensor) {
        map.insert("data".to_owned(), data.into());
    }
    Value::Object(map)
}

fn elements(tensor: &TensorProto) -> Option<Vec<Value>> {
    let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
    let count = sizes.product::<Option<usize>>()?;
    let ty = DataType::try_from(tensor.data_type).ok()?;
    let most = match ty {
        DataType::Float | DataType::Double => MOST_FLOATS,
        _ => MOST_INTEGERS,
    };
    if count > most || !tensor.external_data.is_empty() {
        return None;
    }
    let raw = &tensor.raw_data;
    let list: Vec<Value> = match ty {
        DataType::Float if raw.is_empty() => tensor
            .float_data
            .iter()
            .map(|f| number((*f).into()))
            .collect(),
        DataType::Float => chunks(raw, |b| number(f32::from_le_bytes(b).into())),
        DataType::Double if raw.is_empty() => {
            tensor.double_data.iter().map(|f| number(*f)).collect()
        }
        DataType::Double => chunks(raw, |b| number(f64::from_le_bytes(b))),
        DataType::Int64 if raw.is_empty() => {
            tensor.int64_data.iter().map(|i| (*i).into()).collect()
        }
        DataType::Int64 => chunks(raw, |b| i64::from_le_bytes(b).into()),
        DataType::Int32 if !raw.is_empty() => chunks(raw, |b| i32::from_le_bytes(b).into()),
        DataType::Int8 if !raw.is_empty() => chunks(raw, |b| i8::from_le_bytes(b).into()),
        DataType::Uint8 | DataType::Bool if !raw.is_empty() => {
            chunks(raw, |b| u8::from_le_bytes(b).into())
        }
        DataType::Int32 | DataType::Int8 | DataType::Uint8 | DataType::Bool => {
            tensor.int32_data.iter().map(|i| (*i).into()).collect()
        }
        _ => return None,
    };
    (list.len() == count).then_some(list)
}

fn chunks<const N: usize>(raw: &[u8], read: impl Fn([u8; N]) -> Value) -> Vec<Value> {
    let (chunks, _) = raw.as_chunks::<N>();
    chunks.iter().map(|chunk| read(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_keep_their_kind() {
        let attribute = |name: &str, ty: AttributeType| AttributeProto {
            name: name.to_owned(),
            r#type: ty as i32,
            i: -1,
            f: 1.0,
            s: b"Relu".to_vec(),
            ints: vec![1, 1],
            ..AttributeProto::default()
        };
        let node = NodeProto {
            attribute: vec![
                attribute("axis", AttributeType::Int),
                attribute("alpha", AttributeType::Float),
                attribute("activation", AttributeType::String),
                attribute("pads", AttributeType::Ints),
            ],
            ..NodeProto::default()
        };
        let attrs = Value::Object(read_attributes(&node)).to_string();
        assert_eq!(
            attrs,
            r#"{"axis":-1,"alpha":1.0,"activation":"Relu","pads":[1,1]}"#
        );
    }

    #[test]
    fn small_tensors_are_written_out() {
        let mut tensor = TensorProto {
            dims: vec![2],
            data_type: DataType::Int64 as i32,
            int64_data: vec![3, -1],
            ..TensorProto::default()
        };
        let written = tensor_json(&tensor).to_string();
        assert_eq!(written, r#"{"type":7,"dims":[2],"data":[3,-1]}"#);
        tensor.dims = vec![1_000];
        assert_eq!(
            tensor_json(&tensor).to_string(),
            r#"{"type":7,"dims":[1000]}"#
        );
    }
}
