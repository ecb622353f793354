//! Checkpoints to read and graphs that want them.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

pub(crate) mod pytorch;

use std::fs;
use std::path::{Path, PathBuf};

use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, GraphBuilder, Init};
use nongemm_core::plugin::{WeightFormat, WeightSource};
use nongemm_core::tensor::HostTensor;
use nongemm_weights::Safetensors;
use safetensors::tensor::{Dtype, TensorView};

/// A tensor of a file: name, type, shape, little-endian bytes.
pub(crate) type Stored = (&'static str, Dtype, Vec<usize>, Vec<u8>);

pub(crate) fn f32_tensor(name: &'static str, shape: &[usize], values: &[f32]) -> Stored {
    let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    (name, Dtype::F32, shape.to_vec(), bytes)
}

/// Writes a file with the format's own library.
pub(crate) fn write(path: &Path, tensors: &[Stored]) {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (
            *name,
            TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
        )
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Writes a file from a header and data that need not fit together.
pub(crate) fn write_raw(path: &Path, header: &str, data: &[u8]) {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(data);
    fs::write(path, file).unwrap();
}

/// A graph with these parameters.
pub(crate) fn graph(dtype: DType, params: &[(&str, &[usize])]) -> Graph {
    let mut builder = GraphBuilder::new(dtype);
    for (name, shape) in params {
        builder.param(name, *shape, Init::std(1.0)).unwrap();
    }
    builder.finish()
}

pub(crate) fn open(path: &Path) -> anyhow::Result<Box<dyn WeightSource>> {
    Safetensors.open(path.to_str().unwrap())
}

/// The one-line message of an error, its folder replaced.
pub(crate) fn message(folder: &tempfile::TempDir, error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    assert!(!text.contains('\n'), "more than one line: {text}");
    text.replace(folder.path().to_str().unwrap(), "DIR")
}

pub(crate) fn open_error(folder: &tempfile::TempDir, path: &Path) -> String {
    message(folder, &open(path).map(|_| ()).unwrap_err())
}

pub(crate) fn load(
    source: &dyn WeightSource,
    graph: &Graph,
    index: usize,
) -> anyhow::Result<HostTensor> {
    let param = &graph.params()[index];
    source.load(param, graph.spec(param.value))
}

pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    (folder, file)
}
