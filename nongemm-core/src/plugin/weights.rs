//! Sources of weights.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use super::registry::plugin_kind;
use crate::graph::{Graph, Param};
use crate::shape::TensorSpec;
use crate::tensor::HostTensor;

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Its name, without its folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Opened weights that tensors are read from, one at a time.
///
/// ```
/// use anyhow::Context;
/// use nongemm_core::dtype::DType;
/// use nongemm_core::graph::{Graph, GraphBuilder, Init, Param};
/// use nongemm_core::plugin::WeightSource;
/// use nongemm_core::shape::TensorSpec;
/// use nongemm_core::tensor::{HostData, HostTensor};
///
/// /// Nothing but zeros.
/// struct Zeros;
///
/// impl WeightSource for Zeros {
///     fn describe(&self) -> String {
///         "zeros".to_owned()
///     }
///
///     fn verify(&self, _: &Graph) -> anyhow::Result<()> {
///         Ok(())
///     }
///
///     fn load(&self, _: &Param, spec: &TensorSpec) -> anyhow::Result<HostTensor> {
///         let shape = spec.shape.known().context("the sizes of parameters are known")?;
///         let count = shape.iter().product();
///         HostTensor::new(shape, HostData::zeros(spec.dtype, count))
///     }
/// }
///
/// let mut g = GraphBuilder::new(DType::F32);
/// let bias = g.param("bias", [3], Init::around(0.0, 0.1))?;
/// let graph = g.finish();
/// let loaded = Zeros.load(&graph.params()[0], graph.spec(bias))?;
/// assert_eq!(loaded.data().to_f64(), [0.0; 3]);
/// # Ok::<(), anyhow::Error>(())
/// ```
pub trait WeightSource: Send + Sync {
    /// What was opened, for the run record: `synthetic:0`, a path with a hash, ...
    fn describe(&self) -> String;

    /// The folder that it lies in, where a published checkpoint has its other files: tokenizer,
    /// preprocessor configuration.
    fn folder(&self) -> Option<PathBuf> {
        None
    }

    /// Hashes the files that were opened, all of their bytes; empty where there are none.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn digests(&self) -> anyhow::Result<Vec<FileDigest>> {
        Ok(Vec::new())
    }

    /// Checks names, shapes and dtypes of all parameters of `graph` without reading any data.
    ///
    /// # Errors
    /// One line that names what does not fit.
    fn verify(&self, graph: &Graph) -> anyhow::Result<()>;

    /// Reads one parameter with the shape and dtype of `spec`.
    ///
    /// # Errors
    /// When it is missing or does not fit.
    fn load(&self, param: &Param, spec: &TensorSpec) -> anyhow::Result<HostTensor>;
}

/// The weights of a graph that has none.
#[derive(Clone, Copy, Debug)]
pub struct NoWeights;

impl WeightSource for NoWeights {
    fn describe(&self) -> String {
        "none".to_owned()
    }

    fn verify(&self, _: &Graph) -> anyhow::Result<()> {
        Ok(())
    }

    fn load(&self, param: &Param, _: &TensorSpec) -> anyhow::Result<HostTensor> {
        anyhow::bail!("there is no parameter {}", param.name)
    }
}

/// How sure a format is that it is meant by a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// It is not.
    No,
    /// Nothing tells whose it is, and this format's message says best what is wrong.
    Fallback,
    /// It can read what is there; a format that is sure goes first.
    Able,
    /// It is.
    Sure,
}

/// A way of naming weights, as in `--weights synthetic:1` or `--weights PATH`.
pub trait WeightFormat: Send + Sync {
    /// The id, for `list` and messages.
    fn id(&self) -> &'static str;

    /// What it reads, in one line.
    fn summary(&self) -> &'static str;

    /// Whether this format is meant by the text after `--weights`: the surest one is.
    fn claim(&self, location: &str) -> Claim;

    /// Opens the weights.
    ///
    /// # Errors
    /// When they cannot be read: one line that names the file and what is wrong.
    fn open(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>>;
}

plugin_kind!(WeightFormat, "weight format");
