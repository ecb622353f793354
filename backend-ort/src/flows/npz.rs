//! Inputs from `.npz` files, as `numpy.savez` writes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use npyz::{DType, NpyHeader, Order, TypeChar};
use ort::value::TensorElementType;
use zip::ZipArchive;

use super::inputs::{DeclaredInput, Input, Size};

/// Reads the inputs of a model in their order.
///
/// # Errors
/// When the file is damaged, an input is missing, another one is there, or type or shape are not as
/// declared.
pub(crate) fn read(path: &Path, declared: &[DeclaredInput]) -> anyhow::Result<Vec<Input>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut archive =
        ZipArchive::new(file).map_err(|e| anyhow::anyhow!("{shown} is no .npz file: {e}"))?;
    let names = archive.file_names();
    let names = names.map(|name| name.map(|name| name.into_owned()));
    let names = names.collect::<Result<Vec<String>, _>>();
    let names = names.map_err(|e| anyhow::anyhow!("{shown} is damaged: {e}"))?;
    let extra = names.iter().find(|name| {
        let name = name.strip_suffix(".npy").unwrap_or(name);
        declared.iter().all(|input| input.name != name)
    });
    if let Some(extra) = extra {
        let known: Vec<&str> = declared.iter().map(|input| input.name.as_str()).collect();
        anyhow::bail!(
            "{shown} holds {extra}, which is no input of the model: it takes {}",
            known.join(", ")
        );
    }
    let mut dims = BTreeMap::new();
    let inputs = declared.iter().map(|input| {
        let one = entry(&mut archive, input)?;
        fits(input, &one, &mut dims)?;
        Ok(one)
    });
    let inputs: anyhow::Result<Vec<Input>> = inputs.collect();
    inputs.with_context(|| shown.to_string())
}

fn entry(archive: &mut ZipArchive<File>, input: &DeclaredInput) -> anyhow::Result<Input> {
    let name = &input.name;
    let mut file = archive
        .by_name(&format!("{name}.npy"))
        .map_err(|error| anyhow::anyhow!("input {name}: {error}"))?;
    let header = NpyHeader::from_reader(&mut file)
        .with_context(|| format!("input {name} is no array of NumPy"))?;
    let DType::Plain(ty) = header.dtype() else {
        anyhow::bail!("input {name} has elements of several parts");
    };
    let found = element(ty.type_char(), ty.size_field(), input.ty);
    anyhow::ensure!(
        found == Some(input.ty) && ty.endianness() != npyz::Endianness::Big,
        "input {name} must be {}, is {}",
        input.ty,
        header.dtype().descr()
    );
    anyhow::ensure!(
        header.order() == Order::C || header.shape().len() < 2,
        "input {name} is stored column by column; store numpy.ascontiguousarray of it"
    );
    let count = header
        .shape()
        .iter()
        .try_fold(1u64, |n, &size| n.checked_mul(size));
    let length = count.and_then(|count| input.ty.byte_size(usize::try_from(count).ok()?));
    let length = length.with_context(|| format!("input {name} has an absurd shape"))?;
    let shape = header.shape().iter().map(|&size| size as i64).collect();
    let mut bytes = Vec::new();
    // No more than the header says, whatever the archive unpacks to.
    file.take(length as u64 + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() == length,
        "input {name} has {} bytes instead of {length}",
        bytes.len()
    );
    Ok(Input {
        name: name.clone(),
        ty: input.ty,
        shape,
        bytes,
    })
}

/// The element type of an array. NumPy has no bf16: its bits are stored as `uint16`.
fn element(kind: TypeChar, size: u64, wanted: TensorElementType) -> Option<TensorElementType> {
    Some(match (kind, size) {
        (TypeChar::Float, 8) => TensorElementType::Float64,
        (TypeChar::Float, 4) => TensorElementType::Float32,
        (TypeChar::Float, 2) => TensorElementType::Float16,
        (TypeChar::Int, 8) => TensorElementType::Int64,
        (TypeChar::Int, 4) => TensorElementType::Int32,
        (TypeChar::Int, 2) => TensorElementType::Int16,
        (TypeChar::Int, 1) => TensorElementType::Int8,
        (TypeChar::Uint, 8) => TensorElementType::Uint64,
        (TypeChar::Uint, 4) => TensorElementType::Uint32,
        (TypeChar::Uint, 2) if wanted == TensorElementType::Bfloat16 => wanted,
        (TypeChar::Uint, 2) => TensorElementType::Uint16,
        (TypeChar::Uint, 1) => TensorElementType::Uint8,
        (TypeChar::Bool, 1) => TensorElementType::Bool,
        _ => return None,
    })
}

/// Checks a shape; one symbol has one size in all inputs.
fn fits(
    declared: &DeclaredInput,
    input: &Input,
    dims: &mut BTreeMap<String, i64>,
) -> anyhow::Result<()> {
    let name = &declared.name;
    anyhow::ensure!(
        declared.shape.len() == input.shape.len(),
        "input {name} must have {} dimensions, has {:?}",
        declared.shape.len(),
        input.shape
    );
    for (axis, (size, &found)) in declared.shape.iter().zip(&input.shape).enumerate() {
        let wanted = match size {
            Size::Known(size) => *size,
            Size::Open(symbol) => *dims.entry(symbol.clone()).or_insert(found),
        };
        anyhow::ensure!(
            wanted == found,
            "input {name} must have size {wanted} in dimension {axis}, has {found}"
        );
    }
    Ok(())
}
