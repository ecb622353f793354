//! Inputs from `.npz` files, as `numpy.savez` writes them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use nongemm_core::dtype::DType;
use nongemm_core::run::machine;
use nongemm_npz::{Archive, Header};
use ort::value::TensorElementType;

use super::inputs::{DeclaredInput, Input, Size};
use crate::runtime::element_type;

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
    let mut archive = Archive::open(path)?;
    let names = archive.names()?;
    let extra = names
        .iter()
        .find(|name| declared.iter().all(|input| input.name != **name));
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
    let inputs = declared.iter().map(|input| {
        entry(&mut archive, input, &mut sizes, &mut left)
            .map_err(|error| anyhow::anyhow!("input {} {error:#}", input.name))
    });
    let inputs: anyhow::Result<Vec<Input>> = inputs.collect();
    inputs.with_context(|| shown.to_string())
}

/// Sizes of symbolic dimensions, as far as they are known.
type Sizes<'d> = BTreeMap<&'d str, u64>;

fn entry<'d>(
    archive: &mut Archive,
    input: &'d DeclaredInput,
    sizes: &mut Sizes<'d>,
    left: &mut u64,
) -> anyhow::Result<Input> {
    let array = archive.array(&input.name, left, |header| {
        check_type(input, header)?;
        fits(input, &header.shape, sizes)
    })?;
    Ok(Input {
        name: input.name.clone(),
        ty: input.ty,
        shape: array.shape.iter().map(|&size| size as i64).collect(),
        bytes: array.bytes,
    })
}

fn check_type(input: &DeclaredInput, header: &Header) -> anyhow::Result<()> {
    let found = header.dtype.and_then(|dtype| element(dtype, input.ty));
    anyhow::ensure!(
        found == Some(input.ty),
        "must be {}, is {}",
        input.ty,
        header.descr
    );
    Ok(())
}

/// The element type of an array. NumPy has no bf16: its bits are stored as `uint16`.
fn element(dtype: DType, wanted: TensorElementType) -> Option<TensorElementType> {
    match dtype {
        DType::U16 if wanted == TensorElementType::Bfloat16 => Some(wanted),
        dtype => element_type(dtype),
    }
}

/// Checks a shape; one symbol has one size in all inputs.
fn fits<'d>(
    declared: &'d DeclaredInput,
    shape: &[u64],
    sizes: &mut Sizes<'d>,
) -> anyhow::Result<()> {
    let Some(wanted) = &declared.shape else {
        return Ok(());
    };
    anyhow::ensure!(
        wanted.len() == shape.len(),
        "must have {} dimensions, has the shape {shape:?}",
        wanted.len()
    );
    for (axis, (size, &found)) in wanted.iter().zip(shape).enumerate() {
        let wanted = match size {
            Size::Known(size) => *size as u64,
            Size::Open(symbol) => *sizes.entry(symbol).or_insert(found),
        };
        anyhow::ensure!(
            wanted == found,
            "must have size {wanted} in dimension {axis}, has {found}"
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
            "in.npz holds y, which is no input of the model: it takes x, mask/ids"
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
