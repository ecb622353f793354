//! Inputs from `.npz` files, as `numpy.savez` writes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use nongemm_core::run::machine;
use npyz::{DType, NpyHeader, Order, TypeChar};
use ort::value::TensorElementType;
use zip::ZipArchive;
use zip::result::ZipError;

use super::inputs::{DeclaredInput, Input, Size};

/// Reads the inputs of a model in their order. `dims` are sizes that were given for symbolic dimensions.
///
/// # Errors
/// When the file is damaged, an input is missing, another one is there, or type or shape are not as
/// declared.
pub(crate) fn read(
    path: &Path,
    declared: &[DeclaredInput],
    dims: &BTreeMap<String, usize>,
) -> anyhow::Result<Vec<Input>> {
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
    let mut sizes = dims
        .iter()
        .map(|(name, &size)| (name.as_str(), size as u64))
        .collect();
    let mut left = machine::available_memory().unwrap_or(u64::MAX);
    let inputs = declared
        .iter()
        .map(|input| entry(&mut archive, input, &mut sizes, &mut left));
    let inputs: anyhow::Result<Vec<Input>> = inputs.collect();
    inputs.with_context(|| shown.to_string())
}

/// Sizes of symbolic dimensions, as far as they are known.
type Sizes<'d> = BTreeMap<&'d str, u64>;

fn entry<'d>(
    archive: &mut ZipArchive<File>,
    input: &'d DeclaredInput,
    sizes: &mut Sizes<'d>,
    left: &mut u64,
) -> anyhow::Result<Input> {
    let name = &input.name;
    let mut file = archive
        .by_name(&format!("{name}.npy"))
        .map_err(|error| match error {
            ZipError::FileNotFound => anyhow::anyhow!("input {name} is missing"),
            error => anyhow::anyhow!("input {name}: {error}"),
        })?;
    let header = NpyHeader::from_reader(&mut file).map_err(|error| not_an_array(name, &error))?;
    check_type(input, &header)?;
    fits(input, header.shape(), sizes)?;
    let count = header
        .shape()
        .iter()
        .try_fold(1u64, |n, &size| n.checked_mul(size));
    let length = count.and_then(|count| input.ty.byte_size(usize::try_from(count).ok()?));
    let length = length.filter(|length| *length as u64 <= *left);
    let length = length.with_context(|| {
        format!(
            "input {name} of shape {:?} does not fit into memory",
            header.shape()
        )
    })?;
    *left -= length as u64;
    let mut bytes = Vec::new();
    // No more than the header says, whatever the archive unpacks to.
    file.take(length as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| anyhow::anyhow!("input {name} is damaged: {error}"))?;
    anyhow::ensure!(
        bytes.len() == length,
        "input {name} has {} bytes instead of {length}",
        bytes.len()
    );
    Ok(Input {
        name: name.clone(),
        ty: input.ty,
        shape: header.shape().iter().map(|&size| size as i64).collect(),
        bytes,
    })
}

/// The parser's reason has several lines, which show where.
fn not_an_array(name: &str, error: &std::io::Error) -> anyhow::Error {
    let reason = error.to_string();
    let first = reason.lines().next().unwrap_or_default();
    anyhow::anyhow!(
        "input {name} is no array of NumPy: {}",
        first.trim_end_matches(&[' ', '-', '>', ':'][..])
    )
}

/// Checks element type and order.
fn check_type(input: &DeclaredInput, header: &NpyHeader) -> anyhow::Result<()> {
    let name = &input.name;
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
    Ok(())
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
fn fits<'d>(
    declared: &'d DeclaredInput,
    shape: &[u64],
    sizes: &mut Sizes<'d>,
) -> anyhow::Result<()> {
    let name = &declared.name;
    let Some(wanted) = &declared.shape else {
        return Ok(());
    };
    anyhow::ensure!(
        wanted.len() == shape.len(),
        "input {name} must have {} dimensions, has the shape {shape:?}",
        wanted.len()
    );
    for (axis, (size, &found)) in wanted.iter().zip(shape).enumerate() {
        let wanted = match size {
            Size::Known(size) => *size as u64,
            Size::Open(symbol) => *sizes.entry(symbol).or_insert(found),
        };
        anyhow::ensure!(
            wanted == found,
            "input {name} must have size {wanted} in dimension {axis}, has {found}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    /// An array as NumPy stores it.
    fn array(descr: &str, shape: &str, order: &str, bytes: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.bytes());
        file.extend(bytes);
        file
    }

    fn floats(shape: &str, values: &[f32]) -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        array("<f4", shape, "False", &bytes)
    }

    fn archive(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            zip.start_file(format!("{name}.npy"), SimpleFileOptions::default())
                .unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// `ids` of whole numbers and `x`, both of a batch.
    fn declared() -> Vec<DeclaredInput> {
        let batch = || Size::Open("batch".to_owned());
        let input = |name: &str, ty, shape| DeclaredInput {
            name: name.to_owned(),
            ty,
            shape: Some(shape),
        };
        vec![
            input(
                "x",
                TensorElementType::Float32,
                vec![batch(), Size::Known(2)],
            ),
            input("mask/ids", TensorElementType::Int8, vec![batch()]),
        ]
    }

    fn try_bytes(bytes: &[u8], dims: &[(&str, usize)]) -> Result<Vec<Input>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.npz");
        std::fs::write(&path, bytes).unwrap();
        let dims = dims.iter().map(|(name, size)| ((*name).to_owned(), *size));
        let read = read(&path, &declared(), &dims.collect());
        read.map_err(|error| {
            let text = format!("{error:#}");
            assert_eq!(text.lines().count(), 1, "{text}");
            text.replace(&path.display().to_string(), "in.npz")
        })
    }

    fn ids() -> (&'static str, Vec<u8>) {
        ("mask/ids", array("|i1", "(1,)", "False", &[0xff]))
    }

    fn error(entries: &[(&str, Vec<u8>)]) -> String {
        try_bytes(&archive(entries), &[]).unwrap_err()
    }

    #[test]
    fn what_numpy_stored_comes_in_the_models_order() {
        let good = archive(&[ids(), ("x", floats("(1, 2)", &[1.0, -2.0]))]);
        let inputs = try_bytes(&good, &[("batch", 1)]).unwrap();
        assert_eq!(inputs[0].name, "x");
        assert_eq!(inputs[0].shape, [1, 2]);
        assert_eq!(inputs[0].bytes, [0, 0, 128, 63, 0, 0, 0, 192]);
        assert_eq!(
            (inputs[1].ty, &inputs[1].bytes[..]),
            (TensorElementType::Int8, &[0xff][..])
        );
        let other = try_bytes(&good, &[("batch", 4)]).unwrap_err();
        assert_eq!(
            other,
            "in.npz: input x must have size 4 in dimension 0, has 1"
        );
    }

    #[test]
    fn what_does_not_fit_the_model_is_named() {
        let x = || ("x", floats("(1, 2)", &[1.0, -2.0]));
        assert_eq!(error(&[x()]), "in.npz: input mask/ids is missing");
        assert_eq!(
            error(&[x(), ids(), ("y", floats("(1,)", &[0.0]))]),
            "in.npz holds y.npy, which is no input of the model: it takes x, mask/ids"
        );
        assert_eq!(
            error(&[ids(), ("x", floats("(2,)", &[1.0, 2.0]))]),
            "in.npz: input x must have 2 dimensions, has the shape [2]"
        );
        assert_eq!(
            error(&[ids(), ("x", floats("(1, 3)", &[1.0; 3]))]),
            "in.npz: input x must have size 2 in dimension 1, has 3"
        );
        // The batch of one input is that of the other.
        assert_eq!(
            error(&[ids(), ("x", floats("(2, 2)", &[1.0; 4]))]),
            "in.npz: input mask/ids must have size 2 in dimension 0, has 1"
        );
        for (descr, shown) in [("<f8", "f64"), (">f4", ">f4"), ("<i4", "<i4")] {
            let wrong = error(&[ids(), ("x", array(descr, "(1, 2)", "False", &[0; 16]))]);
            assert!(
                wrong.starts_with("in.npz: input x must be f32, is "),
                "{shown}: {wrong}"
            );
        }
        let columns = error(&[ids(), ("x", array("<f4", "(1, 2)", "True", &[0; 8]))]);
        assert!(
            columns.contains("input x is stored column by column"),
            "{columns}"
        );
    }

    #[test]
    fn damaged_files_are_errors() {
        let whole = archive(&[ids(), ("x", floats("(1, 2)", &[1.0, -2.0]))]);
        for length in 0..whole.len() {
            try_bytes(&whole[..length], &[]).unwrap_err();
        }
        for index in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[index] ^= 0xff;
            let _ = try_bytes(&bytes, &[]);
        }
        let none = try_bytes(b"text", &[]).unwrap_err();
        assert!(none.starts_with("in.npz is no .npz file: "), "{none}");
        assert!(error(&[ids(), ("x", b"text".to_vec())]).contains("input x is no array of NumPy"));
        assert_eq!(
            error(&[ids(), ("x", floats("(1, 2)", &[1.0]))]),
            "in.npz: input x has 4 bytes instead of 8"
        );
        let huge = format!("({}, 2)", u64::MAX / 16);
        let huge = try_bytes(
            &archive(&[ids(), ("x", floats(&huge, &[1.0]))]),
            &[("batch", usize::MAX / 16)],
        );
        assert!(huge.unwrap_err().contains("does not fit into memory"));
    }
}
