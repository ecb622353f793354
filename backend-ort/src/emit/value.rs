//! Values of an ONNX graph under construction.

use std::sync::Arc;

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Shape, TensorSpec};

/// A value: its name in the ONNX graph, shape and element type.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub(crate) name: Arc<str>,
    spec: TensorSpec,
}

impl Tensor {
    pub(crate) fn new(name: impl Into<Arc<str>>, spec: TensorSpec) -> Self {
        Tensor {
            name: name.into(),
            spec,
        }
    }

    /// An optional input that is left out.
    pub fn none() -> Self {
        Tensor::new("", TensorSpec::new(DType::F32, Shape::default()))
    }

    /// Shape and element type.
    pub fn spec(&self) -> &TensorSpec {
        &self.spec
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.spec.dtype
    }

    /// Shape.
    pub fn shape(&self) -> &Shape {
        &self.spec.shape
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.spec.shape.rank()
    }

    /// The same value, known to have this shape.
    #[must_use]
    pub fn known_as(&self, shape: Shape) -> Self {
        Tensor::new(self.name.clone(), self.spec.with_shape(shape))
    }
}
