//! The operator trait.

use std::any::Any;
use std::fmt::Debug;

use serde::Serialize;

use super::cost::Cost;
use super::group::{OpGroup, OpTraits};
use super::storage::Storage;
use super::values::Values;
use crate::graph::{BuildError, GraphBuilder, Value};
use crate::shape::{ShapeError, TensorSpec};

/// Attributes of an operator as plain data: field names of the operator's type to values.
pub type Attrs = serde_json::Map<String, serde_json::Value>;

/// How the reference implementation's eager code runs an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eager {
    /// As one call.
    #[default]
    Kernel,
    /// As several calls, each an operator in its own right (rotary embedding, attention written out).
    /// Each part is counted in its own group.
    Parts,
    /// As several calls inside one module that the literature counts as one operator (NewGELU,
    /// RMSNorm, frozen batch normalization). Each part is counted in the group of the whole.
    Module,
}

/// An operator: a value that holds its attributes.
///
/// Names follow ATen (`layer_norm`, `addmm`, `view`). An implementation is a plain struct with
/// `Serialize`/`Deserialize`, registered with [`register_op!`](crate::register_op).
///
/// ```
/// use nongemm_core::dtype::DType;
/// use nongemm_core::op::{Cost, Op, OpGroup, OpTraits};
/// use nongemm_core::shape::{ShapeError, TensorSpec};
///
/// /// Multiplies by a number.
/// #[derive(Debug, serde::Serialize)]
/// struct Scale {
///     by: f64,
/// }
///
/// impl Op for Scale {
///     fn name(&self) -> &'static str {
///         "scale"
///     }
///
///     fn group(&self) -> OpGroup {
///         OpGroup::Arithmetic
///     }
///
///     fn traits(&self) -> OpTraits {
///         OpTraits::NONE.single_operation().single_operand()
///     }
///
///     fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
///         match inputs {
///             [x] if x.dtype.is_float() => Ok(vec![x.clone()]),
///             _ => Err(ShapeError::invalid("scale takes one tensor of floating-point numbers")),
///         }
///     }
///
///     fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
///         Cost::elementwise(1, inputs, outputs)
///     }
/// }
///
/// let x = TensorSpec::new(DType::F32, [8, 128]);
/// let y = Scale { by: 0.5 }.infer(std::slice::from_ref(&x))?;
/// assert_eq!(y, [x.clone()]);
/// let cost = Scale { by: 0.5 }.cost(&[x], &y);
/// assert_eq!((cost.flops, cost.bytes), (8 * 128, 2 * 8 * 128 * 4));
/// # Ok::<(), ShapeError>(())
/// ```
pub trait Op: OpAttrs + Any + Debug + Send + Sync {
    /// The operator's name, unique for each mathematical operation.
    fn name(&self) -> &'static str;

    /// The group that its time is counted in.
    fn group(&self) -> OpGroup;

    /// Its characteristics after Table 2 of the paper.
    fn traits(&self) -> OpTraits;

    /// Output shapes and dtypes from those of the inputs.
    ///
    /// # Errors
    /// When the inputs do not fit the operator.
    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError>;

    /// Work of one call. Called with fully known shapes only.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost;

    /// Where its outputs are, on a backend that shares and reuses memory.
    fn storage(&self) -> Storage {
        Storage::Own
    }

    /// Which values its inputs must hold for a call on made-up inputs to be valid, and to cost what it
    /// costs on real ones: indices in range, boxes that overlap, probabilities. One for each input.
    fn values(&self, inputs: &[TensorSpec]) -> Vec<Values> {
        inputs.iter().map(Values::usual).collect()
    }

    /// How the reference's eager code runs it. Anything but [`Eager::Kernel`] needs
    /// [`decompose`](Self::decompose).
    fn eager(&self) -> Eager {
        Eager::Kernel
    }

    /// Builds the same computation from other operators, or returns `None` if this one is elementary.
    fn decompose(
        &self,
        _builder: &mut GraphBuilder,
        _inputs: &[Value],
    ) -> Option<Result<Vec<Value>, BuildError>> {
        None
    }
}

/// Attributes of any serialisable operator; implemented for all of them.
pub trait OpAttrs {
    /// The attributes as plain data; empty for an operator without any.
    fn attrs(&self) -> Attrs;
}

impl<T: Serialize> OpAttrs for T {
    fn attrs(&self) -> Attrs {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => map,
            _ => Attrs::new(),
        }
    }
}
