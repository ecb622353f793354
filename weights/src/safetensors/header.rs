//! The header of a safetensors file: which tensors it holds and where.
//!
//! A file is 8 bytes with the length of the header, the header (JSON), and the data. The format's own
//! library is not used for reading: it refuses a whole file for one tensor of an unknown type, does
//! not name the tensor that is wrong, and its size check can overflow on hostile offsets. Everything
//! that the format demands is checked here: offsets in bounds, no overlap, no hole, sizes that fit the
//! shape and the type.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use nongemm_core::dtype::DType;
use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};

use crate::checkpoint::{Contents, ElementType, Entry, shown};

/// Bytes before the header.
const PREFIX: usize = 8;

/// The longest header that is read, as in the format's own library.
const LONGEST: u64 = 100_000_000;

/// The element type that the format spells like this.
fn element_type(spelling: &str) -> ElementType {
    ElementType::Known(match spelling {
        "F64" => DType::F64,
        "F32" => DType::F32,
        "F16" => DType::F16,
        "BF16" => DType::BF16,
        "I64" => DType::I64,
        "I32" => DType::I32,
        "I16" => DType::I16,
        "I8" => DType::I8,
        "U64" => DType::U64,
        "U32" => DType::U32,
        "U16" => DType::U16,
        "U8" => DType::U8,
        "BOOL" => DType::Bool,
        other => return ElementType::Other(shown::name(other).to_lowercase()),
    })
}

fn check_size(entry: &Entry) -> Result<(), String> {
    let Some(dtype) = entry.dtype.known() else {
        return Ok(()); // Nothing reads it, and its size is its own business.
    };
    let size = entry
        .shape
        .iter()
        .try_fold(dtype.size(), |size, &dim| size.checked_mul(dim));
    if size == Some(entry.range.len()) {
        return Ok(());
    }
    let size = size.map_or("too many".to_owned(), |size| size.to_string());
    Err(format!(
        "has {} bytes of data, {dtype}{} needs {size}",
        entry.range.len(),
        shown::shape(&entry.shape)
    ))
}

/// Reads the header of a file.
///
/// # Errors
/// What is wrong with the file, without its name.
pub(super) fn read(file: &[u8]) -> Result<Contents, String> {
    let prefix = file
        .first_chunk::<PREFIX>()
        .ok_or_else(|| format!("{} bytes are too few for a safetensors file", file.len()))?;
    let length = u64::from_le_bytes(*prefix);
    if length > LONGEST {
        return Err(format!(
            "not a safetensors file: its header would be {length} bytes long, at most {LONGEST} are read"
        ));
    }
    let data = PREFIX + length as usize;
    let header = file.get(PREFIX..data).ok_or_else(|| {
        format!(
            "truncated, or not a safetensors file: a header of {length} bytes does not fit in {} bytes",
            file.len()
        )
    })?;
    let raw: RawHeader =
        serde_json::from_slice(header).map_err(|e| format!("not a safetensors header: {e}"))?;
    let tensors = located(raw, data, file.len())?;
    check_coverage(&tensors, data, file.len())?;
    Ok(Contents {
        tensors,
        head: 0..data,
    })
}

/// Moves the offsets of the header to the file and checks each tensor on its own.
fn located(raw: RawHeader, data: usize, end: usize) -> Result<BTreeMap<String, Entry>, String> {
    let mut tensors = BTreeMap::new();
    for (name, tensor) in raw.0 {
        let (from, to) = tensor.data_offsets;
        if from > to {
            let name = shown::name(&name);
            return Err(format!("tensor `{name}` has offsets {from} to {to}"));
        }
        let range = match (data.checked_add(from), data.checked_add(to)) {
            (Some(from), Some(to)) if to <= end => from..to,
            _ => {
                let name = shown::name(&name);
                return Err(format!(
                    "truncated: tensor `{name}` ends at byte {to} of the data, the file holds {}",
                    end - data
                ));
            }
        };
        let entry = Entry {
            dtype: element_type(&tensor.dtype),
            shape: tensor.shape,
            range,
            strides: None,
            swapped: false,
        };
        check_size(&entry).map_err(|e| format!("tensor `{}` {e}", shown::name(&name)))?;
        tensors.insert(name, entry);
    }
    Ok(tensors)
}

/// Checks that the tensors lie one after the other from `data` to `end`.
fn check_coverage(
    tensors: &BTreeMap<String, Entry>,
    data: usize,
    end: usize,
) -> Result<(), String> {
    let mut order: Vec<(&str, &Range<usize>)> = tensors
        .iter()
        .map(|(name, entry)| (name.as_str(), &entry.range))
        .collect();
    order.sort_by_key(|(_, range)| (range.start, range.end));
    let mut last = ("", data);
    for (name, range) in order {
        if range.start < last.1 {
            let (first, second) = (shown::name(last.0), shown::name(name));
            return Err(format!("tensors `{first}` and `{second}` overlap"));
        }
        if range.start > last.1 {
            let bytes = range.start - last.1;
            let name = shown::name(name);
            return Err(format!(
                "{bytes} bytes before tensor `{name}` belong to no tensor"
            ));
        }
        last = (name, range.end);
    }
    match end - last.1 {
        0 => Ok(()),
        bytes => Err(format!("{bytes} bytes at the end belong to no tensor")),
    }
}

#[derive(Deserialize)]
struct RawTensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// The tensors of a header, in its order. Read without building a tree of the JSON, which for a hostile
/// header could be many times its length.
struct RawHeader(Vec<(String, RawTensor)>);

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tensors;
        impl<'de> Visitor<'de> for Tensors {
            type Value = RawHeader;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
                let mut tensors: BTreeMap<String, RawTensor> = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let tensor = map.next_value()?;
                    if tensors.contains_key(&name) {
                        let name = shown::name(&name);
                        return Err(A::Error::custom(format!("tensor `{name}` is there twice")));
                    }
                    tensors.insert(name, tensor);
                }
                Ok(RawHeader(tensors.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(Tensors)
    }
}
