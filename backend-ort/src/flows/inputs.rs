//! Inputs of a model file: what it declares, and synthetic values that it can run on.
//!
//! Numbers are uniform in [-1, 1). Whole numbers are ids: below the number of rows of the table that they
//! select from, where the model says which; all others are 1, which as a mask hides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use half::{bf16, f16};
use nongemm_core::plugin::{RequestedInput, Settings};
use nongemm_core::rng::Uniform;
use nongemm_core::run::machine;
use nongemm_core::shape::Dim;
use ort::value::TensorElementType;

use crate::proto::{DataType, DimensionValue, GraphProto, ModelProto, TypeValue, ValueInfoProto};
use crate::runtime::element_type;

/// A tensor that goes into a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    /// Name.
    pub(crate) name: String,
    /// Element type.
    pub(crate) ty: TensorElementType,
    /// Shape.
    pub(crate) shape: Vec<i64>,
    /// Elements, little-endian.
    pub(crate) bytes: Vec<u8>,
}

/// A size of a declared input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Size {
    Known(i64),
    /// By the name that the setting `dim.NAME` gives it.
    Open(String),
}

/// An input as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeclaredInput {
    pub(crate) name: String,
    pub(crate) ty: TensorElementType,
    /// Nothing where even the number of dimensions is open.
    pub(crate) shape: Option<Vec<Size>>,
}

/// What a model declares that it reads. Initializers that are listed as inputs have their values already.
///
/// # Errors
/// When an input is no tensor of numbers, or a size is impossible.
pub(crate) fn declared(model: &ModelProto) -> anyhow::Result<Vec<DeclaredInput>> {
    let Some(graph) = &model.graph else {
        return Ok(Vec::new());
    };
    let known: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs = graph.input.iter();
    let inputs = inputs.filter(|input| !known.contains(input.name.as_str()));
    inputs.map(declared_input).collect()
}

fn declared_input(info: &ValueInfoProto) -> anyhow::Result<DeclaredInput> {
    let name = &info.name;
    let ty = info.r#type.as_ref().and_then(|ty| ty.value.as_ref());
    let tensor = match ty {
        Some(TypeValue::Tensor(tensor)) => tensor,
        other => anyhow::bail!(
            "input {name} is {}; only dense tensors of numbers can be given",
            kind(other)
        ),
    };
    let ty = DataType::try_from(tensor.elem_type);
    let Some(element) = ty.ok().and_then(element) else {
        let what = ty.map_or_else(
            |_| format!("type {}", tensor.elem_type),
            |ty| format!("type {ty:?}").to_lowercase(),
        );
        anyhow::bail!("input {name} has elements of {what}; only numbers and bool can be given");
    };
    let shape = tensor.shape.as_ref().map(|shape| {
        let dims = shape.dim.iter().enumerate();
        let sizes = dims.map(|(axis, dim)| size(name, axis, dim.value.as_ref()));
        sizes.collect::<anyhow::Result<_>>()
    });
    Ok(DeclaredInput {
        name: name.clone(),
        ty: element,
        shape: shape.transpose()?,
    })
}

fn size(name: &str, axis: usize, declared: Option<&DimensionValue>) -> anyhow::Result<Size> {
    Ok(match declared {
        Some(DimensionValue::Size(size)) if *size >= 0 => Size::Known(*size),
        Some(DimensionValue::Size(size)) => {
            anyhow::bail!("input {name} is declared with size {size}")
        }
        Some(DimensionValue::Param(param)) if !param.is_empty() => Size::Open(param.clone()),
        _ => Size::Open(format!("{name}.{axis}")),
    })
}

/// What an input is that is no dense tensor.
fn kind(ty: Option<&TypeValue>) -> &'static str {
    match ty {
        Some(TypeValue::Tensor(_)) => "a tensor",
        Some(TypeValue::Sequence(_)) => "a sequence",
        Some(TypeValue::Map(_)) => "a map",
        Some(TypeValue::SparseTensor(_)) => "a sparse tensor",
        Some(TypeValue::Optional(_)) => "a value that may be absent",
        None => "of no declared type",
    }
}

/// The element type of an input, unless it is one that cannot be given.
pub(crate) fn element(ty: DataType) -> Option<TensorElementType> {
    Some(match ty {
        DataType::Float => TensorElementType::Float32,
        DataType::Double => TensorElementType::Float64,
        DataType::Float16 => TensorElementType::Float16,
        DataType::Bfloat16 => TensorElementType::Bfloat16,
        DataType::Int64 => TensorElementType::Int64,
        DataType::Int32 => TensorElementType::Int32,
        DataType::Int16 => TensorElementType::Int16,
        DataType::Int8 => TensorElementType::Int8,
        DataType::Uint64 => TensorElementType::Uint64,
        DataType::Uint32 => TensorElementType::Uint32,
        DataType::Uint16 => TensorElementType::Uint16,
        DataType::Uint8 => TensorElementType::Uint8,
        DataType::Bool => TensorElementType::Bool,
        _ => return None,
    })
}

/// Checks inputs that are given against what a model declares: names, types, and the sizes that it fixes.
///
/// # Errors
/// When they do not fit.
pub(crate) fn check_given(
    declared: &[DeclaredInput],
    given: &[RequestedInput],
) -> anyhow::Result<()> {
    let names = || declared.iter().map(|input| input.name.as_str());
    if let Some(other) = given.iter().find(|input| names().all(|n| n != input.name)) {
        let names: Vec<&str> = names().collect();
        anyhow::bail!("it takes {}, and no `{}`", names.join(", "), other.name);
    }
    for input in declared {
        let name = &input.name;
        let given = given.iter().find(|given| given.name == *name);
        let given = given.with_context(|| format!("it takes `{name}`, which is not given"))?;
        let fits = |(declared, given): (&Size, &Dim)| match (declared, given.known()) {
            (Size::Known(declared), Some(given)) => *declared == given as i64,
            _ => true,
        };
        let dims = given.spec.shape.dims();
        let has_shape = input
            .shape
            .as_ref()
            .is_none_or(|shape| shape.len() == dims.len() && shape.iter().zip(dims).all(fits));
        anyhow::ensure!(
            element_type(given.spec.dtype) == Some(input.ty) && has_shape,
            "it takes `{name}` as {}{}, and {} is given",
            input.ty,
            shape(input),
            given.spec
        );
    }
    Ok(())
}

fn shape(input: &DeclaredInput) -> String {
    let Some(shape) = &input.shape else {
        return String::new();
    };
    let size = |size: &Size| match size {
        Size::Known(size) => size.to_string(),
        Size::Open(name) => name.clone(),
    };
    let sizes: Vec<String> = shape.iter().map(size).collect();
    format!("[{}]", sizes.join(", "))
}

/// Sizes of symbolic dimensions from the settings.
///
/// # Errors
/// When a value is no size.
pub(crate) fn sizes(
    declared: &[DeclaredInput],
    settings: &Settings,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    for name in open(declared) {
        if let Some(size) = settings.find::<usize>(&format!("dim.{name}"))? {
            found.insert(name.to_owned(), size);
        }
    }
    Ok(found)
}

fn open(declared: &[DeclaredInput]) -> BTreeSet<&str> {
    let sizes = declared.iter().flat_map(|input| &input.shape).flatten();
    let names = sizes.filter_map(|size| match size {
        Size::Open(name) => Some(name.as_str()),
        Size::Known(_) => None,
    });
    names.collect()
}

/// Inputs of the declared types and shapes.
///
/// # Errors
/// When sizes are missing (all are listed), or the inputs do not fit into memory.
pub(crate) fn synthetic(
    path: &Path,
    model: &ModelProto,
    declared: &[DeclaredInput],
    dims: &BTreeMap<String, usize>,
) -> anyhow::Result<Vec<Input>> {
    let missing = open(declared)
        .into_iter()
        .filter(|name| !dims.contains_key(*name));
    let missing: Vec<String> = missing.map(|name| format!("--set dim.{name}=N")).collect();
    anyhow::ensure!(
        missing.is_empty(),
        "{} has open sizes: say {}, or give inputs with --set ort.inputs=FILE.npz",
        path.display(),
        missing.join(" ")
    );
    if let Some(input) = declared.iter().find(|input| input.shape.is_none()) {
        anyhow::bail!(
            "{}: input {} has no declared shape; give inputs with --set ort.inputs=FILE.npz",
            path.display(),
            input.name
        );
    }
    let mut left = machine::available_memory().unwrap_or(u64::MAX);
    let inputs = declared.iter().map(|input| {
        let shape: Vec<i64> = input
            .shape
            .iter()
            .flatten()
            .map(|size| match size {
                Size::Known(size) => *size,
                Size::Open(name) => dims.get(name).map_or(0, |size| *size as i64),
            })
            .collect();
        let count = shape
            .iter()
            .try_fold(1usize, |n, &size| n.checked_mul(size as usize));
        let bytes = count.and_then(|count| input.ty.byte_size(count));
        let fits = bytes.is_some_and(|bytes| bytes as u64 <= left);
        let (Some(count), Some(bytes), true) = (count, bytes, fits) else {
            anyhow::bail!(
                "input {} of shape {shape:?} does not fit into memory",
                input.name
            );
        };
        left -= bytes as u64;
        let below = model
            .graph
            .as_ref()
            .and_then(|graph| rows(graph, &input.name));
        Ok(Input {
            bytes: fill(input, count, below),
            name: input.name.clone(),
            ty: input.ty,
            shape,
        })
    });
    inputs.collect()
}

/// The number of rows of the smallest table that a value selects from, directly or reshaped.
fn rows(graph: &GraphProto, value: &str) -> Option<u64> {
    const SAME_VALUES: &[&str] = &[
        "Cast",
        "Identity",
        "Reshape",
        "Unsqueeze",
        "Squeeze",
        "Flatten",
    ];
    let table = |name: &str| {
        let mut tensors = graph.initializer.iter();
        let tensor = tensors.find(|tensor| tensor.name == name)?;
        u64::try_from(*tensor.dims.first()?).ok()
    };
    let mut values = BTreeSet::from([value]);
    let mut least: Option<u64> = None;
    for node in &graph.node {
        let reads = |index: usize| {
            node.input
                .get(index)
                .is_some_and(|name| values.contains(name.as_str()))
        };
        let rows_at_0 = node.attribute.iter().all(|a| a.name != "axis" || a.i == 0);
        if node.op_type == "Gather" && rows_at_0 && reads(1) {
            let found = node.input.first().and_then(|name| table(name));
            least = [least, found].into_iter().flatten().min();
        } else if SAME_VALUES.contains(&node.op_type.as_str()) && reads(0) {
            values.extend(node.output.iter().map(String::as_str));
        }
    }
    least
}

/// Synthetic elements.
pub(crate) fn fill(input: &DeclaredInput, count: usize, below: Option<u64>) -> Vec<u8> {
    let mut random = Uniform::new(0, &input.name);
    let mut number = || random.next_f64() * 2.0 - 1.0;
    match input.ty {
        TensorElementType::Float64 => bytes(count, || number().to_le_bytes()),
        TensorElementType::Float32 => bytes(count, || (number() as f32).to_le_bytes()),
        TensorElementType::Float16 => bytes(count, || f16::from_f64(number()).to_le_bytes()),
        TensorElementType::Bfloat16 => bytes(count, || bf16::from_f64(number()).to_le_bytes()),
        ty => {
            let mut random = Uniform::new(0, &input.name);
            let below = below.map(|rows| u32::try_from(rows).unwrap_or(u32::MAX));
            let mut id = || below.map_or(1, |rows| random.next_below(rows));
            match ty.byte_size(1).unwrap_or(1) {
                8 => bytes(count, || u64::from(id()).to_le_bytes()),
                4 => bytes(count, || id().to_le_bytes()),
                2 => bytes(count, || (id() as u16 & 0x7fff).to_le_bytes()),
                _ => bytes(count, || [(id() & 0x7f) as u8]),
            }
        }
    }
}

fn bytes<const N: usize>(count: usize, mut next: impl FnMut() -> [u8; N]) -> Vec<u8> {
    (0..count).flat_map(|_| next()).collect()
}
