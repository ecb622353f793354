//! Reading model files: nothing in one is trusted.

use std::fs::File;
use std::path::{Component, Path};

use anyhow::Context;
use memmap2::Mmap;
use prost::Message;
use prost::bytes::Bytes;

use crate::proto::{DataLocation, DataType, GraphProto, ModelProto, TensorProto};

/// Reads a model file; its weights stay in the file, which is mapped.
///
/// # Errors
/// When the file cannot be read or is no ONNX model.
pub(crate) fn read(path: &Path) -> anyhow::Result<ModelProto> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let length = file.metadata()?.len();
    anyhow::ensure!(length > 0, "{shown} is empty");
    // SAFETY: the bytes are only parsed. A file that shrinks meanwhile would end the process, as it would
    // in ONNX Runtime, which maps it too.
    let bytes = Bytes::from_owner(unsafe { Mmap::map(&file) }?);
    let model = ModelProto::decode(bytes)
        .map_err(|error| anyhow::anyhow!("{shown} is no ONNX model, or is damaged: {error}"))?;
    let graph = model.graph.as_ref();
    anyhow::ensure!(
        graph.is_some_and(|graph| !graph.output.is_empty()) && !model.opset_import.is_empty(),
        "{shown} is no ONNX model: it has no graph with outputs, or names no operator set"
    );
    Ok(model)
}

/// Checks that every file which a model names for its weights lies in the model's own folder and is large
/// enough.
///
/// # Errors
/// Names the tensor and the file.
pub(crate) fn check_external_data(path: &Path, model: &ModelProto) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let folder = folder
        .canonicalize()
        .with_context(|| format!("cannot read {}", folder.display()))?;
    let mut tensors = Vec::new();
    model
        .graph
        .iter()
        .for_each(|graph| collect(graph, &mut tensors));
    for tensor in tensors {
        check_tensor(&folder, tensor)
            .with_context(|| format!("{}: tensor {}", path.display(), tensor.name))?;
    }
    Ok(())
}

/// Bytes of the weights of a model, those in other files included.
pub(crate) fn weight_bytes(model: &ModelProto) -> u64 {
    model.graph.iter().map(graph_bytes).sum()
}

/// Those of its nodes' graphs included.
fn graph_bytes(graph: &GraphProto) -> u64 {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let inner = attributes.flat_map(|a| a.g.as_deref().into_iter().chain(&a.graphs));
    let own: u64 = graph.initializer.iter().map(tensor_bytes).sum();
    own + inner.map(graph_bytes).sum::<u64>()
}

fn tensor_bytes(tensor: &TensorProto) -> u64 {
    let Some(bits) = DataType::try_from(tensor.data_type)
        .ok()
        .and_then(DataType::bits)
    else {
        return tensor
            .string_data
            .iter()
            .map(|text| text.len() as u64)
            .sum();
    };
    let sizes = tensor.dims.iter();
    let bits = sizes.fold(bits, |bits, size| {
        bits.saturating_mul(u64::try_from(*size).unwrap_or(0))
    });
    bits.div_ceil(8)
}

/// All tensors of a graph that are kept in other files, and those of its nodes' graphs.
fn collect<'m>(graph: &'m GraphProto, found: &mut Vec<&'m TensorProto>) {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let own = attributes
        .clone()
        .flat_map(|a| a.t.as_deref().into_iter().chain(&a.tensors));
    let outside = |tensor: &&TensorProto| {
        tensor.data_location() == DataLocation::External || !tensor.external_data.is_empty()
    };
    found.extend(graph.initializer.iter().chain(own).filter(outside));
    for attribute in attributes {
        let graphs = attribute.g.as_deref().into_iter().chain(&attribute.graphs);
        graphs.for_each(|graph| collect(graph, found));
    }
}

fn check_tensor(folder: &Path, tensor: &TensorProto) -> anyhow::Result<()> {
    let entry = |key: &str| {
        let mut entries = tensor.external_data.iter();
        entries
            .find(|entry| entry.key == key)
            .map(|entry| entry.value.as_str())
    };
    let location =
        entry("location").context("its data is outside the file, but it is not said where")?;
    let relative = Path::new(location);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    anyhow::ensure!(
        plain && !location.is_empty(),
        "its data would be read from `{location}`, outside the model's folder; refused"
    );
    let file = folder.join(relative);
    let real = file
        .canonicalize()
        .with_context(|| format!("its data is in {}, which cannot be read", file.display()))?;
    anyhow::ensure!(
        real.starts_with(folder),
        "its data would be read from {}, outside the model's folder; refused",
        real.display()
    );
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => anyhow::bail!("its {key} `{text}` is no number"),
        },
    };
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let size = real.metadata()?.len();
    let end = offset.checked_add(length.unwrap_or(0));
    anyhow::ensure!(
        end.is_some_and(|end| end <= size),
        "its data ends behind the end of {}, which has {size} bytes",
        real.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::StringStringEntryProto;

    fn model(location: &str, length: &str) -> ModelProto {
        let entry = |key: &str, value: &str| StringStringEntryProto {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let tensor = TensorProto {
            name: "w".to_owned(),
            data_location: DataLocation::External as i32,
            external_data: vec![entry("location", location), entry("length", length)],
            ..TensorProto::default()
        };
        ModelProto {
            graph: Some(GraphProto {
                initializer: vec![tensor],
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        }
    }

    #[cfg(unix)]
    #[test]
    fn data_outside_the_models_folder_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        std::fs::write(outer.path().join("secret"), [0; 16]).unwrap();
        let folder = outer.path().join("model");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("weights"), [0; 16]).unwrap();
        std::os::unix::fs::symlink("../secret", folder.join("link")).unwrap();
        let path = folder.join("m.onnx");
        let check = |location: &str, length: &str| {
            let result = check_external_data(&path, &model(location, length));
            result.map_err(|error| format!("{error:#}"))
        };
        assert_eq!(check("weights", "16"), Ok(()));
        for location in ["../secret", "/etc/passwd", "link", "sub/../../secret", ""] {
            let error = check(location, "1").unwrap_err();
            assert!(
                error.contains("outside the model's folder"),
                "{location}: {error}"
            );
            assert!(error.contains("tensor w"), "{error}");
        }
        assert!(check("weights", "17").unwrap_err().contains("has 16 bytes"));
        assert!(check("weights", "x").unwrap_err().contains("is no number"));
        assert!(
            check("missing", "1")
                .unwrap_err()
                .contains("cannot be read")
        );
    }

    #[test]
    fn weights_in_other_files_count() {
        let mut model = model("weights", "16");
        let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
        tensor.dims = vec![2, 3];
        tensor.data_type = DataType::Float as i32;
        assert_eq!(weight_bytes(&model), 24);
        let half_bytes = TensorProto {
            dims: vec![5],
            data_type: DataType::Int4 as i32,
            ..TensorProto::default()
        };
        model.graph.as_mut().unwrap().initializer.push(half_bytes);
        assert_eq!(weight_bytes(&model), 27);
    }

    #[test]
    fn damaged_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        for bytes in [
            &b""[..],
            b"text, not a model",
            &[0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x08, 0x07],
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("m.onnx"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        assert!(read(&folder.path().join("none.onnx")).is_err());
    }
}
