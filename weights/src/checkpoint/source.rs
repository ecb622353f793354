//! An opened checkpoint as a source of weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use half::{bf16, f16};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, Param};
use nongemm_core::plugin::{FileDigest, WeightSource, nearest};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};
use rayon::prelude::*;

use super::file::MappedFile;
use super::fingerprint::Fingerprint;
use super::location::{self, Files};
use super::{Entry, Kind, shown};
use crate::element::{Element, known_shape};

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
    pub(super) fn open(kind: &Kind, location: &Path) -> anyhow::Result<Self> {
        let (files, tensors) = match location::find(kind, location)? {
            Files::Single(path) => {
                let file = MappedFile::open(kind, &path)?;
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
                    .map(|shard| MappedFile::open(kind, shard))
                    .collect::<anyhow::Result<_>>()?;
                for (tensor, &shard) in &tensors {
                    ensure!(
                        files[shard].entry(tensor).is_some(),
                        "{} holds no tensor `{}`, which {} says it does",
                        files[shard].path().display(),
                        shown::name(tensor),
                        index.display()
                    );
                }
                (files, tensors)
            }
        };
        Ok(Checkpoint {
            location: location.to_owned(),
            description: describe(kind, location, &files),
            files,
            tensors,
        })
    }

    /// The tensors whose elements, one after the other, are a parameter's: the one of its name, else of
    /// the first alias that is there, else its pieces.
    ///
    /// # Errors
    /// When there are none, or a shape or dtype does not fit.
    fn find(&self, param: &Param, spec: &TensorSpec) -> Result<Vec<Part<'_>>, Misfit> {
        let (shape, count) =
            known_shape(&param.name, spec).map_err(|e| Misfit::Wrong(e.to_string()))?;
        let mut names = std::iter::once(&param.name).chain(&param.aliases);
        if let Some(name) = names.find(|name| self.tensors.contains_key(*name)) {
            return Ok(vec![self.part(name, &shape, spec.dtype)?]);
        }
        // Pieces that are all missing are no pieces: the parameter itself is then named.
        if !param
            .pieces
            .iter()
            .any(|piece| self.tensors.contains_key(&piece.name))
        {
            return Err(Misfit::Missing);
        }
        let pieces = param.pieces.iter();
        let parts: Vec<Part<'_>> = pieces
            .map(|piece| self.part(&piece.name, &piece.shape, spec.dtype))
            .collect::<Result<_, _>>()?;
        let total: usize = parts.iter().map(|part| part.entry.elements()).sum();
        match total == count {
            true => Ok(parts),
            false => Err(Misfit::Wrong(format!(
                "the pieces of `{}` have {total} elements, the model needs {count}",
                param.name
            ))),
        }
    }

    /// A tensor by name, which must have this shape and a type that can become `dtype`.
    fn part(&self, name: &str, shape: &[usize], dtype: DType) -> Result<Part<'_>, Misfit> {
        let found = self.tensors.get(name).map(|&file| &self.files[file]);
        let found = found.and_then(|file| Some((file, file.entry(name)?)));
        let (file, entry) = found.ok_or_else(|| Misfit::Piece(name.to_owned()))?;
        let path = file.path().display();
        if entry.shape != shape {
            return Err(Misfit::Wrong(format!(
                "{path}: tensor `{name}` has shape {}, the model needs {shape:?}",
                shown::shape(&entry.shape)
            )));
        }
        let fits = |from: &DType| *from == dtype || from.is_float() && dtype.is_float();
        let from = entry.dtype.known().filter(fits).ok_or_else(|| {
            Misfit::Wrong(format!(
                "{path}: tensor `{name}` is {}, which cannot become the {dtype} that the model needs",
                entry.dtype.name(),
            ))
        })?;
        Ok(Part { file, entry, from })
    }

    fn explain(&self, param: &Param, spec: &TensorSpec, misfit: Misfit) -> String {
        let (name, also, of) = match misfit {
            Misfit::Wrong(text) => return text,
            Misfit::Piece(name) => (name, String::new(), format!(" for `{}`", param.name)),
            Misfit::Missing => {
                let pieces = param.pieces.first().map(|piece| &piece.name);
                let also: Vec<&str> = param
                    .aliases
                    .iter()
                    .chain(pieces)
                    .map(String::as_str)
                    .collect();
                let also = match also.as_slice() {
                    [] => String::new(),
                    names => format!(" (nor `{}`)", names.join("`, `")),
                };
                (param.name.clone(), also, format!(" as {spec}"))
            }
        };
        let near = nearest::nearest(&name, self.tensors.keys().map(String::as_str));
        format!(
            "{} holds no tensor `{name}`{also}, which the model needs{of}{}",
            self.location.display(),
            nearest::hint(&near.map(|name| shown::name(&name)))
        )
    }

    fn read<T: Element>(parts: &[Part<'_>], count: usize) -> anyhow::Result<HostData> {
        let mut values = T::zeros(count);
        let mut rest = values.as_mut_slice();
        for part in parts {
            let (values, others) = rest.split_at_mut(part.entry.elements());
            part.file.read(part.entry, part.from, values)?;
            rest = others;
        }
        Ok(T::wrap(values))
    }
}

/// A tensor that holds elements of a parameter.
struct Part<'a> {
    file: &'a MappedFile,
    entry: &'a Entry,
    /// The type of its elements.
    from: DType,
}

/// Why a parameter cannot be loaded.
enum Misfit {
    /// No tensor is called like it. Explained apart: the search for a similar name takes a while.
    Missing,
    /// This tensor, one of its pieces, is not there.
    Piece(String),
    /// A tensor has another shape or dtype.
    Wrong(String),
}

/// `FORMAT:NAME:BYTES:HASH`: name of the file or folder, bytes of all files, and a fingerprint of
/// what says which tensors they hold and some of their data.
fn describe(kind: &Kind, location: &Path, files: &[MappedFile]) -> String {
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
        "{}:{}:{bytes}:{}",
        kind.id,
        name.to_string_lossy(),
        fingerprint.hex()
    )
}

impl WeightSource for Checkpoint {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn folder(&self) -> Option<PathBuf> {
        match self.location.is_dir() {
            true => Some(self.location.clone()),
            false => self.location.parent().map(Path::to_owned),
        }
    }

    fn digests(&self) -> anyhow::Result<Vec<FileDigest>> {
        let files = self.files.par_iter().map(|file| {
            Ok(FileDigest {
                name: file
                    .path()
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                bytes: file.len(),
                sha256: file.sha256()?,
            })
        });
        files.collect()
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
        let parts = self
            .find(param, spec)
            .map_err(|misfit| anyhow::anyhow!(self.explain(param, spec, misfit)))?;
        let (shape, count) = known_shape(&param.name, spec)?;
        let data = match spec.dtype {
            DType::F64 => Self::read::<f64>(&parts, count)?,
            DType::F32 => Self::read::<f32>(&parts, count)?,
            DType::F16 => Self::read::<f16>(&parts, count)?,
            DType::BF16 => Self::read::<bf16>(&parts, count)?,
            dtype => {
                let mut bytes = Vec::with_capacity(count * dtype.size());
                for part in &parts {
                    part.file.read_bytes(part.entry, dtype, &mut bytes)?;
                }
                HostData::from_bytes(dtype, &bytes)
            }
        };
        HostTensor::new(shape, data)
    }
}
