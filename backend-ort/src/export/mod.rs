//! Graphs as ONNX models.
//!
//! A graph is lowered as for any backend, each node is written in its ONNX form, and the result is a message
//! without the weights. They are read one at a time where they are needed: when a file is written, or when a
//! session is made.

mod assemble;
mod file;
mod names;

use nongemm_core::graph::Graph;
use nongemm_core::plugin::WeightSource;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};

use crate::proto::{ModelProto, TensorProto};

pub use crate::emit::tensor;
pub use file::{Files, write, write_apart};
pub use names::node_index;

/// A graph as an ONNX model.
#[derive(Clone, Debug)]
pub struct Model {
    /// The model; its initializers are the graph's constants, not the weights.
    pub proto: ModelProto,
    /// The weights, which are initializers too.
    pub weights: Vec<Weight>,
    /// The graph as it was lowered: what names of nodes refer to ([`node_index`]).
    pub graph: Graph,
}

/// A parameter of the graph as the model stores it.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Its name in the model.
    pub name: String,
    /// Shape and element type there.
    pub spec: TensorSpec,
    /// Its position among the parameters of the graph.
    pub param: usize,
    /// Whether it is stored with its two dimensions swapped, because nothing reads it otherwise.
    pub transposed: bool,
}

impl Weight {
    /// Reads it.
    ///
    /// # Errors
    /// When the source does not have it.
    pub fn load(&self, graph: &Graph, weights: &dyn WeightSource) -> anyhow::Result<HostTensor> {
        let param = &graph.params()[self.param];
        let tensor = weights.load(param, graph.spec(param.value))?;
        if self.transposed {
            transpose(&tensor)
        } else {
            Ok(tensor)
        }
    }

    /// The initializer without its elements.
    ///
    /// # Errors
    /// When its shape is open.
    pub fn header(&self) -> anyhow::Result<TensorProto> {
        let shape = self.spec.shape.known();
        let shape = shape.ok_or_else(|| anyhow::anyhow!("weight {} has no size", self.name))?;
        Ok(TensorProto {
            name: self.name.clone(),
            dims: shape.into_iter().map(|size| size as i64).collect(),
            data_type: crate::emit::data_type(self.spec.dtype).into(),
            ..TensorProto::default()
        })
    }
}

/// Rows as columns, in blocks that stay in the cache.
fn transpose(tensor: &HostTensor) -> anyhow::Result<HostTensor> {
    const BLOCK: usize = 32;
    let &[rows, columns] = tensor.shape() else {
        anyhow::bail!("only matrices are stored transposed");
    };
    let size = tensor.dtype().size();
    let from = tensor.data().as_bytes();
    let mut to = vec![0u8; from.len()];
    for row in (0..rows).step_by(BLOCK) {
        for column in (0..columns).step_by(BLOCK) {
            for r in row..(row + BLOCK).min(rows) {
                for c in column..(column + BLOCK).min(columns) {
                    let (at, there) = ((r * columns + c) * size, (c * rows + r) * size);
                    to[there..there + size].copy_from_slice(&from[at..at + size]);
                }
            }
        }
    }
    HostTensor::new([columns, rows], HostData::from_bytes(tensor.dtype(), &to))
}
