//! Shapes with known and symbolic dimensions.
//!
//! A symbolic dimension stands for a size that only the data decide (how many boxes survive
//! non-maximum suppression). Shape inference carries it along; the sizes really seen are recorded
//! at run time.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dtype::DType;

/// One dimension: a number of elements, or a symbol for a number that the data decide.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// A size known when the graph is built.
    Known(usize),
    /// A size known only at run time. Two equal symbols are the same size.
    Symbol(Arc<str>),
}

/// Stands between the terms of a symbolic sum.
const SUM: char = '+';

impl Dim {
    /// A new symbolic dimension. The graph builder makes the label unique when an operator returns it.
    pub fn symbol(label: impl Into<Arc<str>>) -> Self {
        Dim::Symbol(label.into())
    }

    /// The sum of two sizes; `None` if it does not fit. Where one is a symbol, so is the sum, and equal sums
    /// are equal symbols.
    pub fn sum(&self, other: &Dim) -> Option<Self> {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => a.checked_add(*b).map(Dim::Known),
            _ => Some(Dim::symbol(format!("{self}{SUM}{other}"))),
        }
    }

    /// Whether this is a sum of other dimensions, and thereby says which size it is.
    pub(crate) fn is_sum(&self) -> bool {
        matches!(self, Dim::Symbol(name) if name.contains(SUM))
    }

    /// The size, if it is known.
    pub fn known(&self) -> Option<usize> {
        match self {
            Dim::Known(size) => Some(*size),
            Dim::Symbol(_) => None,
        }
    }
}

impl From<usize> for Dim {
    fn from(size: usize) -> Self {
        Dim::Known(size)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Known(size) => write!(f, "{size}"),
            Dim::Symbol(name) => f.write_str(name),
        }
    }
}

/// The dimensions of a tensor, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(Vec<Dim>);

impl Shape {
    /// A shape from its dimensions.
    pub fn new(dims: impl IntoIterator<Item = impl Into<Dim>>) -> Self {
        Shape(dims.into_iter().map(Into::into).collect())
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The dimensions.
    pub fn dims(&self) -> &[Dim] {
        &self.0
    }

    /// The dimensions, to change in place.
    pub fn dims_mut(&mut self) -> &mut Vec<Dim> {
        &mut self.0
    }

    /// All sizes, if every dimension is known.
    pub fn known(&self) -> Option<Vec<usize>> {
        self.0.iter().map(Dim::known).collect()
    }

    /// Number of elements, if every dimension is known and the product fits.
    pub fn elements(&self) -> Option<usize> {
        self.0
            .iter()
            .try_fold(1usize, |acc, dim| acc.checked_mul(dim.known()?))
    }

    /// The index that `axis` names; negative values count from the end.
    ///
    /// # Errors
    /// When the axis is outside the shape.
    pub fn axis(&self, axis: i64) -> Result<usize, ShapeError> {
        let rank = self.rank() as i64;
        let index = if axis < 0 { axis + rank } else { axis };
        if (0..rank).contains(&index) {
            Ok(index as usize)
        } else {
            Err(ShapeError::invalid(format!(
                "axis {axis} is outside a tensor of shape {self}"
            )))
        }
    }

    /// The shape of an element-wise operation on two tensors (NumPy's broadcasting rule).
    ///
    /// # Errors
    /// When two dimensions differ and neither is 1.
    pub fn broadcast(&self, other: &Shape) -> Result<Shape, ShapeError> {
        let rank = self.rank().max(other.rank());
        let at = |shape: &Shape, i: usize| -> Dim {
            let missing = rank - shape.rank();
            if i < missing {
                Dim::Known(1)
            } else {
                shape.0[i - missing].clone()
            }
        };
        let mut dims = Vec::with_capacity(rank);
        for i in 0..rank {
            let (a, b) = (at(self, i), at(other, i));
            dims.push(match (&a, &b) {
                _ if a == b => a,
                (Dim::Known(1), _) => b,
                (_, Dim::Known(1)) => a,
                _ => {
                    return Err(ShapeError::invalid(format!(
                        "shapes {self} and {other} do not broadcast"
                    )));
                }
            });
        }
        Ok(Shape(dims))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, dim) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{dim}")?;
        }
        f.write_str("]")
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape::new(dims)
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Shape::new(dims.iter().copied())
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Shape::new(dims)
    }
}

/// Element type and shape of a tensor: what shape inference works on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TensorSpec {
    /// The dimensions.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
}

impl TensorSpec {
    /// A spec from its parts.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Self {
        TensorSpec {
            shape: shape.into(),
            dtype,
        }
    }

    /// The same element type with another shape.
    pub fn with_shape(&self, shape: impl Into<Shape>) -> Self {
        TensorSpec::new(self.dtype, shape)
    }

    /// Number of elements; 0 where a dimension is not known.
    pub fn elements(&self) -> u64 {
        self.shape.elements().unwrap_or(0) as u64
    }

    /// Size of the dense tensor in bytes; 0 where a dimension is not known.
    pub fn bytes(&self) -> u64 {
        self.elements().saturating_mul(self.dtype.size() as u64)
    }

    /// The known size of dimension `axis` (negative: from the end).
    ///
    /// # Errors
    /// When the axis does not exist or its size is symbolic.
    pub fn size(&self, axis: i64) -> Result<usize, ShapeError> {
        let index = self.shape.axis(axis)?;
        self.shape.dims()[index].known().ok_or_else(|| {
            ShapeError::invalid(format!("dimension {axis} of {} is not known", self.shape))
        })
    }
}

impl fmt::Display for TensorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}

/// Why the inputs of an operator do not fit it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The number of inputs is wrong.
    #[error("takes {expected} inputs, got {found}")]
    Arity {
        /// What the operator takes, in words.
        expected: String,
        /// What it got.
        found: usize,
    },
    /// A shape, a dtype or an attribute does not fit.
    #[error("{0}")]
    Invalid(String),
}

impl ShapeError {
    /// A shape, dtype or attribute error with its explanation.
    pub fn invalid(message: impl Into<String>) -> Self {
        ShapeError::Invalid(message.into())
    }

    /// Checks the number of inputs and returns them as an array.
    ///
    /// # Errors
    /// When the number differs from `N`.
    pub fn arity<const N: usize>(inputs: &[TensorSpec]) -> Result<&[TensorSpec; N], ShapeError> {
        inputs.try_into().map_err(|_| ShapeError::Arity {
            expected: N.to_string(),
            found: inputs.len(),
        })
    }
}
