//! An opened checkpoint as a source of weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use half::{bf16, f16};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, Param};
use nongemm_core::plugin::{WeightSource, nearest};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;

use super::file::MappedFile;
use super::fingerprint::Fingerprint;
use super::header::Entry;
use super::location::{self, Files};
use super::shown;
use crate::element::known_shape;

/// A checkpoint of one file or several.
pub(super) struct Checkpoint {
    /// What the user named, for messages.
    location: PathBuf,
    files: Vec<MappedFile>,
    /// The file that holds each tensor.
    tensors: BTreeMap<String, usize>,
    description: String,
}

impl Checkpoint {
    /// Opens and checks all files of a location.
    ///
    /// # Errors
    /// When a file is missing or wrong; one line that names it.
    pub(super) fn open(location: &Path) -> anyhow::Result<Self> {
        let (files, tensors) = match location::find(location)? {
            Files::Single(path) => {
                let file = MappedFile::open(&path)?;
                let tensors = file.names().map(|name| (name.to_owned(), 0)).collect();
                (vec![file], tensors)
            }
            Files::Sharded {
                index,
                tensors,
                shards,
            } => {
                let files: Vec<MappedFile> = shards
                    .iter()
                    .map(|shard| MappedFile::open(shard))
                    .collect::<anyhow::Result<_>>()?;
                for (tensor, &shard) in &tensors {
                    ensure!(
                        files[shard].entry(tensor).is_some(),
                        "{} holds no tensor `{tensor}`, which {} says it does",
                        files[shard].path().display(),
                        index.display()
                    );
                }
                (files, tensors)
            }
        };
        Ok(Checkpoint {
            location: location.to_owned(),
            description: describe(location, &files),
            files,
            tensors,
        })
    }

    /// The tensor for a parameter: by its name, else by the first alias that is there.
    ///
    /// # Errors
    /// When there is none, or its shape or dtype does not fit.
    fn find(&self, param: &Param, spec: &TensorSpec) -> Result<Found<'_>, Misfit> {
        let names = std::iter::once(&param.name).chain(&param.aliases);
        let (name, file, entry) = names
            .filter_map(|name| Some((name, &self.files[*self.tensors.get(name)?])))
            .find_map(|(name, file)| Some((name, file, file.entry(name)?)))
            .ok_or(Misfit::Missing)?;
        let path = file.path().display();
        let (shape, _) =
            known_shape(&param.name, spec).map_err(|e| Misfit::Wrong(e.to_string()))?;
        if entry.shape != shape {
            return Err(Misfit::Wrong(format!(
                "{path}: tensor `{name}` has shape {}, the model needs {shape:?}",
                shown::shape(&entry.shape)
            )));
        }
        let fits =
            |dtype: &DType| *dtype == spec.dtype || dtype.is_float() && spec.dtype.is_float();
        let dtype = entry.known_dtype().filter(fits).ok_or_else(|| {
            Misfit::Wrong(format!(
                "{path}: tensor `{name}` is {}, which cannot become the {} that the model needs",
                entry.dtype_name(),
                spec.dtype
            ))
        })?;
        Ok(Found { file, entry, dtype })
    }

    fn explain(&self, param: &Param, spec: &TensorSpec, misfit: Misfit) -> String {
        if let Misfit::Wrong(text) = misfit {
            return text;
        }
        let also = match param.aliases.as_slice() {
            [] => String::new(),
            aliases => format!(" (nor `{}`)", aliases.join("`, `")),
        };
        let near = nearest::nearest(&param.name, self.tensors.keys().map(String::as_str));
        format!(
            "{} holds no tensor `{}`{also}, which the model needs as {spec}{}",
            self.location.display(),
            param.name,
            nearest::hint(&near.map(|name| shown::name(&name)))
        )
    }
}

/// A tensor of the type `dtype` that fits a parameter.
struct Found<'a> {
    file: &'a MappedFile,
    entry: &'a Entry,
    dtype: DType,
}

/// Why a parameter cannot be loaded.
enum Misfit {
    /// No tensor is called like it. Explained apart: the search for a similar name takes a while.
    Missing,
    /// The tensor has another shape or dtype.
    Wrong(String),
}

/// `safetensors:NAME:BYTES:HASH`: name of the file or folder, bytes of all files, and a fingerprint of
/// their headers and some of their data.
fn describe(location: &Path, files: &[MappedFile]) -> String {
    let full = location.canonicalize();
    let full = full.as_deref().unwrap_or(location);
    let name = location
        .file_name()
        .or(full.file_name())
        .unwrap_or_default();
    let mut fingerprint = Fingerprint::new();
    files.iter().for_each(|file| file.add_to(&mut fingerprint));
    let bytes: u64 = files.iter().map(MappedFile::len).sum();
    format!(
        "safetensors:{}:{bytes}:{}",
        name.to_string_lossy(),
        fingerprint.hex()
    )
}

impl WeightSource for Checkpoint {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn verify(&self, graph: &Graph) -> anyhow::Result<()> {
        let mut problems = graph
            .params()
            .iter()
            .map(|param| (param, graph.spec(param.value)))
            .filter_map(|(param, spec)| Some((param, spec, self.find(param, spec).err()?)));
        let Some((param, spec, misfit)) = problems.next() else {
            return Ok(());
        };
        let first = self.explain(param, spec, misfit);
        match problems.count() {
            0 => bail!(first),
            1 => bail!("{first} (and 1 more parameter does not fit)"),
            more => bail!("{first} (and {more} more parameters do not fit)"),
        }
    }

    fn load(&self, param: &Param, spec: &TensorSpec) -> anyhow::Result<HostTensor> {
        let Found {
            file,
            entry,
            dtype: from,
        } = self
            .find(param, spec)
            .map_err(|misfit| anyhow::anyhow!(self.explain(param, spec, misfit)))?;
        let data = match spec.dtype {
            DType::F64 => file.read::<f64>(entry, from)?,
            DType::F32 => file.read::<f32>(entry, from)?,
            DType::F16 => file.read::<f16>(entry, from)?,
            DType::BF16 => file.read::<bf16>(entry, from)?,
            dtype => file.read_exact(entry, dtype)?,
        };
        HostTensor::new(entry.shape.clone(), data)
    }
}
