//! Single calls that were recorded, run alone: a model of one node with the recorded operator, attributes,
//! types and shapes.

use anyhow::Context;
use nongemm_core::op::{Attrs, OpInstance};
use nongemm_core::plugin::{FileInputs, PrepareOptions, Session, Settings};
use nongemm_core::record::OpRow;
use nongemm_core::shape::TensorSpec;
use ort::value::TensorElementType;
use prost::Message;
use serde_json::{Map, Value};

use crate::emit::{self, IR_VERSION, OPSET};
use crate::flows::{DeclaredInput, Size, element, fill, prepare};
use crate::profile::data_type;
use crate::proto::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, ValueInfoProto,
};
use crate::runtime::{Optimization, Options};

/// Keys among the attributes of a row that are none of the node's.
const NOTES: &[&str] = &["onnx", "input_types", "output_types"];

/// A session of one recorded call, with synthetic inputs bound.
///
/// # Errors
/// When the row is no ONNX call, or holds what cannot be replayed: a body of a loop, a type without
/// tensors.
pub fn session(row: &OpRow, options: &PrepareOptions) -> anyhow::Result<Box<dyn Session>> {
    recorded(&Recorded::from(row), options)
}

/// A session of one recorded call whose outputs are not known, with synthetic inputs bound.
///
/// # Errors
/// As [`session`].
pub(crate) fn call_session(
    call: &OpInstance,
    options: &PrepareOptions,
) -> anyhow::Result<Box<dyn Session>> {
    let row = Recorded {
        op: &call.op,
        attrs: &call.attrs,
        inputs: &call.inputs,
        outputs: None,
    };
    recorded(&row, options)
}

/// What is known of a call.
struct Recorded<'a> {
    op: &'a str,
    attrs: &'a Attrs,
    inputs: &'a [TensorSpec],
    /// Specs of the outputs; ONNX Runtime infers them without.
    outputs: Option<&'a [TensorSpec]>,
}

impl<'a> From<&'a OpRow> for Recorded<'a> {
    fn from(row: &'a OpRow) -> Self {
        Recorded {
            op: &row.op,
            attrs: &row.attrs,
            inputs: &row.inputs,
            outputs: Some(&row.outputs),
        }
    }
}

/// Nothing is optimised: a call that was recorded is what an optimisation left.
fn recorded(row: &Recorded<'_>, options: &PrepareOptions) -> anyhow::Result<Box<dyn Session>> {
    let own = Options {
        optimization: Optimization::Disable,
        inputs: None,
        ..Options::read(&options.settings, options.device, options.threads)?
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("call.onnx");
    std::fs::write(&path, written(row)?.encode_to_vec())?;
    let session = prepare(&path, own, &Settings::default(), FileInputs::Own);
    Ok(Box::new(
        session.with_context(|| format!("operator {}", row.op))?,
    ))
}

/// The model of one recorded call. Inputs are called `i0`, `i1`, ...; outputs `o0`, `o1`, ...
///
/// # Errors
/// As [`session`].
pub fn model(row: &OpRow) -> anyhow::Result<ModelProto> {
    written(&Recorded::from(row))
}

fn written(row: &Recorded<'_>) -> anyhow::Result<ModelProto> {
    let call = row.attrs.get("onnx").and_then(Value::as_object);
    let call = call.with_context(|| format!("{} is no call of ONNX Runtime's", row.op))?;
    let (domain, op) = row.op.rsplit_once('.').unwrap_or(("", row.op));
    let mut node = NodeProto {
        name: row.op.to_owned(),
        op_type: op.to_owned(),
        domain: domain.to_owned(),
        attribute: attributes(row)?,
        ..NodeProto::default()
    };
    let mut graph = GraphProto {
        name: "call".to_owned(),
        ..GraphProto::default()
    };
    inputs(row, call, &mut node, &mut graph)?;
    outputs(row, call, &mut node, &mut graph)?;
    graph.node.push(node);
    let set = |domain: &str, version| OperatorSetIdProto {
        domain: domain.to_owned(),
        version,
    };
    let version = call.get("opset").and_then(Value::as_i64);
    let mut sets = vec![set(domain, version.unwrap_or(1))];
    if !domain.is_empty() {
        sets.push(set("", OPSET));
    }
    Ok(ModelProto {
        ir_version: IR_VERSION,
        producer_name: "nongemm".to_owned(),
        opset_import: sets,
        graph: Some(graph),
        ..ModelProto::default()
    })
}

fn positions(call: &Map<String, Value>, key: &str) -> Vec<usize> {
    let list = call
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.filter_map(|index| Some(index.as_u64()? as usize))
        .collect()
}

fn inputs(
    row: &Recorded<'_>,
    call: &Map<String, Value>,
    node: &mut NodeProto,
    graph: &mut GraphProto,
) -> anyhow::Result<()> {
    let (absent, weights) = (positions(call, "absent"), positions(call, "weights"));
    let mut operands = operands(row, "input_types", row.inputs)?.into_iter();
    let count = operands.len() + absent.len();
    for index in 0..count {
        if absent.contains(&index) {
            node.input.push(String::new());
            continue;
        }
        let name = format!("i{index}");
        let (ty, dims) = operands
            .next()
            .context("an input is missing in the record")?;
        let constant = call
            .get("constants")
            .and_then(|all| all.get(index.to_string()));
        if let Some(constant) = constant {
            graph.initializer.push(tensor(&name, constant)?);
        } else if weights.contains(&index) {
            graph.initializer.push(weight(&name, ty, &dims)?);
        } else {
            let value = ValueInfoProto::tensor(&name, ty as i32, Some(&dims));
            graph.input.push(value);
        }
        node.input.push(name);
    }
    Ok(())
}

fn outputs(
    row: &Recorded<'_>,
    call: &Map<String, Value>,
    node: &mut NodeProto,
    graph: &mut GraphProto,
) -> anyhow::Result<()> {
    let types = match (row.outputs, row.attrs.contains_key("output_types")) {
        (None, false) => None,
        (specs, _) => Some(operands(row, "output_types", specs.unwrap_or_default())?),
    };
    let mut types = types.map(Vec::into_iter);
    let wanted = call.get("outputs").and_then(Value::as_array);
    let wanted: Vec<bool> = wanted.map_or_else(
        || vec![true],
        |list| {
            list.iter()
                .map(|flag| flag.as_bool().unwrap_or(true))
                .collect()
        },
    );
    for (index, wanted) in wanted.into_iter().enumerate() {
        if !wanted {
            node.output.push(String::new());
            continue;
        }
        let name = format!("o{index}");
        graph.output.push(match &mut types {
            Some(types) => {
                let (ty, _) = types.next().context("an output is missing in the record")?;
                ValueInfoProto::tensor(&name, ty as i32, None)
            }
            None => ValueInfoProto {
                name: name.clone(),
                ..ValueInfoProto::default()
            },
        });
        node.output.push(name);
    }
    Ok(())
}

type Operand = (DataType, Vec<i64>);

/// Types and shapes; verbatim in the record where the record has no word for a type.
fn operands(row: &Recorded<'_>, key: &str, specs: &[TensorSpec]) -> anyhow::Result<Vec<Operand>> {
    if let Some(verbatim) = row.attrs.get(key).and_then(Value::as_array) {
        let pairs = verbatim.iter().filter_map(Value::as_object).flatten();
        return pairs
            .map(|(ty, shape)| {
                let ty = data_type(ty).with_context(|| format!("type {ty} cannot be replayed"))?;
                let sizes = shape.as_array().into_iter().flatten();
                Ok((ty, sizes.filter_map(Value::as_i64).collect()))
            })
            .collect();
    }
    let operands = specs.iter().map(|spec| {
        let dims = spec.shape.dims().iter();
        let dims = dims.map(|dim| Some(dim.known()? as i64));
        let dims = dims
            .collect::<Option<_>>()
            .context("an open shape cannot be replayed")?;
        Ok((emit::data_type(spec.dtype), dims))
    });
    operands.collect()
}

/// A weight with synthetic values.
fn weight(name: &str, ty: DataType, dims: &[i64]) -> anyhow::Result<TensorProto> {
    let kind: TensorElementType =
        element(ty).with_context(|| format!("a weight of type {ty:?} cannot be replayed"))?;
    let sizes = dims.iter().map(|&size| usize::try_from(size).ok());
    let count = sizes
        .clone()
        .product::<Option<usize>>()
        .context("an impossible shape")?;
    let declared = DeclaredInput {
        name: name.to_owned(),
        ty: kind,
        shape: Some(dims.iter().map(|&size| Size::Known(size)).collect()),
    };
    Ok(TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: ty as i32,
        raw_data: fill(&declared, count, None).into(),
        ..TensorProto::default()
    })
}

fn attributes(row: &Recorded<'_>) -> anyhow::Result<Vec<AttributeProto>> {
    let own = row
        .attrs
        .iter()
        .filter(|(name, _)| !NOTES.contains(&name.as_str()));
    let attributes = own.map(|(name, value)| {
        attribute(name, value).with_context(|| format!("attribute {name} cannot be replayed"))
    });
    attributes.collect()
}

fn attribute(name: &str, value: &Value) -> anyhow::Result<AttributeProto> {
    let mut attribute = AttributeProto {
        name: name.to_owned(),
        ..AttributeProto::default()
    };
    let ty = match value {
        Value::String(text) => {
            attribute.s = text.clone().into_bytes();
            AttributeType::String
        }
        Value::Number(number) => match number.as_i64() {
            Some(i) => {
                attribute.i = i;
                AttributeType::Int
            }
            None => {
                attribute.f = number.as_f64().context("no number")? as f32;
                AttributeType::Float
            }
        },
        Value::Array(list) if list.iter().all(Value::is_i64) => {
            attribute.ints = list.iter().filter_map(Value::as_i64).collect();
            AttributeType::Ints
        }
        Value::Array(list) if list.iter().all(Value::is_number) => {
            attribute.floats = list
                .iter()
                .filter_map(|x| Some(x.as_f64()? as f32))
                .collect();
            AttributeType::Floats
        }
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let texts = list.iter().filter_map(Value::as_str);
            attribute.strings = texts.map(|text| text.as_bytes().to_vec()).collect();
            AttributeType::Strings
        }
        Value::Object(map) if map.contains_key("data") => {
            attribute.t = Some(Box::new(tensor("", value)?));
            AttributeType::Tensor
        }
        _ => anyhow::bail!("it is more than numbers and text"),
    };
    attribute.r#type = ty as i32;
    Ok(attribute)
}

/// A tensor that was written out.
fn tensor(name: &str, written: &Value) -> anyhow::Result<TensorProto> {
    let list = |key: &str| {
        let list = written.get(key).and_then(Value::as_array);
        list.with_context(|| format!("a tensor without {key}"))
    };
    let ty = written
        .get("type")
        .and_then(Value::as_i64)
        .context("a tensor without type")?;
    let mut tensor = TensorProto {
        name: name.to_owned(),
        dims: list("dims")?.iter().filter_map(Value::as_i64).collect(),
        data_type: i32::try_from(ty)?,
        ..TensorProto::default()
    };
    let data = list("data")?;
    // Infinities and what is no number are written as text.
    let float = |x: &Value| x.as_f64().or_else(|| x.as_str()?.parse().ok());
    let floats = || data.iter().filter_map(float);
    let ints = || data.iter().filter_map(Value::as_i64);
    match DataType::try_from(tensor.data_type)? {
        DataType::Float => tensor.float_data = floats().map(|x| x as f32).collect(),
        DataType::Double => tensor.double_data = floats().collect(),
        DataType::Int64 => tensor.int64_data = ints().collect(),
        _ => tensor.int32_data = ints().map(|i| i as i32).collect(),
    }
    Ok(tensor)
}
