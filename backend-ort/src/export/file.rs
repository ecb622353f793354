//! Models as files. Weights go from their source to the file one at a time.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nongemm_core::plugin::WeightSource;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::{Model, Weight};
use crate::proto::{DataLocation, GraphProto, ModelProto, StringStringEntryProto, TensorProto};

/// Protobuf's limit of a message, with room for what is not counted.
const LARGEST: u64 = (1 << 31) - (1 << 20);
/// Weights below this stay in the model's file.
const SMALL: u64 = 1024;
/// Where weights begin in a file of their own, so that they can be mapped into memory.
const ALIGNMENT: u64 = 4096;

/// Numbers of fields of the messages, as in [`crate::proto`].
mod field {
    pub(super) const MODEL_GRAPH: u32 = 7;
    pub(super) const GRAPH_INITIALIZER: u32 = 5;
    pub(super) const TENSOR_RAW_DATA: u32 = 9;
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The model.
    pub model: PathBuf,
    /// Its weights, where they do not fit into the model's file.
    pub data: Option<PathBuf>,
    /// Bytes of both.
    pub bytes: u64,
}

/// Writes a model and its weights to `path`; to `path` and `path.data` where one file may not hold them.
///
/// # Errors
/// When weights do not load, or files cannot be written.
pub fn write(model: &Model, weights: &dyn WeightSource, path: &Path) -> anyhow::Result<Files> {
    let total: u64 = model.weights.iter().map(|weight| weight.spec.bytes()).sum();
    let rest = model.proto.encoded_len() as u64;
    write_split(model, weights, path, total + rest > LARGEST)
}

/// Writes a model to `path` and its weights to `path.data`, however large they are.
///
/// # Errors
/// As [`write()`].
pub fn write_apart(
    model: &Model,
    weights: &dyn WeightSource,
    path: &Path,
) -> anyhow::Result<Files> {
    write_split(model, weights, path, true)
}

fn write_split(
    model: &Model,
    weights: &dyn WeightSource,
    path: &Path,
    apart: bool,
) -> anyhow::Result<Files> {
    let headers = model.weights.iter().map(Weight::header);
    let mut headers = headers.collect::<anyhow::Result<Vec<_>>>()?;
    let data = if apart {
        Some(write_data(model, weights, path, &mut headers)?)
    } else {
        None
    };
    let write = |out: &mut BufWriter<File>| write_model(model, weights, &headers, out);
    let bytes = whole(path, write)?;
    let (data, more) = data.map_or((None, 0), |(path, bytes)| (Some(path), bytes));
    Ok(Files {
        model: path.to_owned(),
        data,
        bytes: bytes + more,
    })
}

/// Writes the large weights into a file of their own and says in their headers where they are.
fn write_data(
    model: &Model,
    weights: &dyn WeightSource,
    path: &Path,
    headers: &mut [TensorProto],
) -> anyhow::Result<(PathBuf, u64)> {
    let mut name = path
        .file_name()
        .context("a model needs a file name")?
        .to_owned();
    name.push(".data");
    let place = path.with_file_name(&name);
    let write = |out: &mut BufWriter<File>| write_elements(model, weights, headers, &name, out);
    let bytes = whole(&place, write)?;
    Ok((place, bytes))
}

/// Writes a file under another name, and gives it its own once it is whole.
fn whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<u64>,
) -> anyhow::Result<u64> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = || -> anyhow::Result<u64> {
        let mut out = BufWriter::new(File::create(&part)?);
        let bytes = write(&mut out)?;
        out.flush()?;
        std::fs::rename(&part, path)?;
        Ok(bytes)
    };
    let written = written();
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// The elements of the large weights, each at the place that its header gets to know.
fn write_elements(
    model: &Model,
    weights: &dyn WeightSource,
    headers: &mut [TensorProto],
    name: &OsStr,
    out: &mut impl Write,
) -> anyhow::Result<u64> {
    let mut offset = 0u64;
    for (weight, header) in model.weights.iter().zip(headers) {
        let length = weight.spec.bytes();
        if length < SMALL {
            continue;
        }
        let gap = offset.next_multiple_of(ALIGNMENT) - offset;
        out.write_all(&vec![0; gap as usize])?;
        offset += gap;
        let tensor = weight.load(&model.graph, weights)?;
        out.write_all(tensor.data().as_bytes())?;
        let entry = |key: &str, value: String| StringStringEntryProto {
            key: key.to_owned(),
            value,
        };
        header.external_data = vec![
            entry("location", name.to_string_lossy().into_owned()),
            entry("offset", offset.to_string()),
            entry("length", length.to_string()),
        ];
        header.data_location = DataLocation::External.into();
        offset += length;
    }
    Ok(offset)
}

/// A field of a message that holds `length` bytes: what stands before them.
fn prefix(number: u32, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(number, WireType::LengthDelimited, &mut bytes);
    encode_varint(length, &mut bytes);
    bytes
}

/// What stands before the elements of an initializer, and how many bytes of them follow.
fn initializer(weight: &Weight, header: &TensorProto) -> (Vec<u8>, u64) {
    let mut inner = header.encode_to_vec();
    let inside = header.external_data.is_empty();
    let elements = if inside { weight.spec.bytes() } else { 0 };
    if inside {
        inner.extend(prefix(field::TENSOR_RAW_DATA, elements));
    }
    let mut bytes = prefix(field::GRAPH_INITIALIZER, inner.len() as u64 + elements);
    bytes.extend(inner);
    (bytes, elements)
}

/// The message, piece by piece; returns its length.
fn write_model(
    model: &Model,
    weights: &dyn WeightSource,
    headers: &[TensorProto],
    out: &mut impl Write,
) -> anyhow::Result<u64> {
    let graph = model.proto.graph.as_ref().map(GraphProto::encode_to_vec);
    let graph = graph.unwrap_or_default();
    let pieces: Vec<(Vec<u8>, u64)> = model
        .weights
        .iter()
        .zip(headers)
        .map(|(weight, header)| initializer(weight, header))
        .collect();
    let inside: u64 = pieces
        .iter()
        .map(|(head, rest)| head.len() as u64 + rest)
        .sum();
    let length = graph.len() as u64 + inside;
    let mut head = ModelProto {
        graph: None,
        ..model.proto.clone()
    }
    .encode_to_vec();
    head.extend(prefix(field::MODEL_GRAPH, length));
    out.write_all(&head)?;
    out.write_all(&graph)?;
    for (weight, (bytes, elements)) in model.weights.iter().zip(&pieces) {
        out.write_all(bytes)?;
        if *elements > 0 {
            let tensor = weight.load(&model.graph, weights)?;
            let data = tensor.data().as_bytes();
            anyhow::ensure!(
                data.len() as u64 == *elements,
                "weight {} has {} bytes where {elements} are expected",
                weight.name,
                data.len()
            );
            out.write_all(data)?;
        }
    }
    Ok(head.len() as u64 + length)
}
