//! `npz:PATH`: tensors that a model takes as they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{Dataset, Modality, Sample, Samples, Tensors};
use nongemm_core::register;
use nongemm_core::run::machine;
use nongemm_core::tensor::{HostData, HostTensor};
use nongemm_npz::{Archive, Array};

use super::files::{entries, has_extension};

/// `.npz` files, as `numpy.savez` writes them: one holds all inputs of a model, named as the model names
/// them, for a whole batch. PATH is a file, or a folder of them, sorted by name.
#[derive(Clone, Copy, Debug)]
pub struct ReadyTensors;

register!(dyn Dataset, &ReadyTensors);

impl Dataset for ReadyTensors {
    fn id(&self) -> &'static str {
        "npz"
    }

    fn summary(&self) -> &'static str {
        "ready tensors from .npz files (npz:PATH, a file or a folder)"
    }

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Tensors]
    }

    fn open(&self, _: Modality, path: Option<&Path>) -> Result<Samples> {
        let path = path.context("the `npz` dataset needs a file or a folder: npz:PATH")?;
        let files = match path.is_dir() {
            true => in_folder(path)?,
            false => vec![path.to_owned()],
        };
        Ok(Box::new(
            files
                .into_iter()
                .map(|file| Ok(Sample::Tensors(read(&file)?))),
        ))
    }
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|file| has_extension(file, &["npz"]) && file.is_file());
    if files.is_empty() {
        bail!("no .npz file in `{}`", folder.display());
    }
    Ok(files)
}

fn read(path: &Path) -> Result<Tensors> {
    let shown = path.display();
    let mut archive = Archive::open(path)?;
    let mut left = machine::available_memory().unwrap_or(u64::MAX);
    let mut tensors = BTreeMap::new();
    for name in archive.names()? {
        let array = archive.array(&name, &mut left, |_| Ok(()));
        let tensor = array.and_then(|array| tensor(&array));
        let tensor = tensor.map_err(|error| anyhow::anyhow!("{shown}: array {name} {error:#}"))?;
        tensors.insert(name, tensor);
    }
    Ok(Tensors {
        name: shown.to_string(),
        tensors,
    })
}

fn tensor(array: &Array) -> Result<HostTensor> {
    let sizes: Result<Vec<usize>, _> = array.shape.iter().map(|&n| usize::try_from(n)).collect();
    HostTensor::new(sizes?, HostData::from_bytes(array.dtype, &array.bytes))
}
