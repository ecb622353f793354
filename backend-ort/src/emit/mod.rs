//! ONNX forms: how each operator is written as ONNX nodes.
//!
//! An operator with a form has one `impl Emit`, registered by its type, also from a third crate:
//!
//! ```text
//! impl Emit for MyOp {
//!     fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
//!         Ok(vec![e.map("Relu", &inputs[0])])
//!     }
//! }
//! nongemm_ort::register_emit!(MyOp);
//! ```
//!
//! Operators without a form run in parts: those that their `decompose` builds. A form adds no node that
//! ONNX does not need; what does nothing in inference is no node.

mod activation;
mod arithmetic;
mod convert;
mod embedding;
mod emitter;
mod gemm;
mod interpolation;
mod logit;
mod memory;
mod normalization;
mod other;
mod pooling;
mod roi;
mod shape;
mod value;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::OnceLock;

use nongemm_core::op::Op;
use nongemm_core::shape::TensorSpec;

pub(crate) use convert::data_type;
pub use convert::tensor;
pub(crate) use emitter::Emitted;
pub use emitter::{Call, Emitter};
pub use shape::Range;
pub use value::Tensor;

/// The version of ONNX's operator set that forms are written in.
pub const OPSET: i64 = 20;

/// The version of the file format that goes with it.
pub(crate) const IR_VERSION: i64 = 10;

/// An operator that has an ONNX form.
pub trait Emit: Op {
    /// Whether the form takes these inputs; most take all.
    fn takes(&self, _inputs: &[TensorSpec]) -> bool {
        true
    }

    /// Adds the nodes and returns the outputs. An input that is returned as it is costs no node.
    ///
    /// # Errors
    /// When the operator cannot be written with these inputs.
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>>;
}

/// A form with its operator's type erased.
pub(crate) type EmitFn = fn(&dyn Op, &mut Emitter, &[Tensor]) -> anyhow::Result<Vec<Tensor>>;

/// The registration of a form. Use [`register_emit!`](crate::register_emit) to make one.
pub struct EmitEntry {
    op_type: fn() -> TypeId,
    takes: fn(&dyn Op, &[TensorSpec]) -> bool,
    emit: EmitFn,
    krate: &'static str,
}

impl EmitEntry {
    /// The entry for operator type `T`.
    pub const fn of<T: Emit>(krate: &'static str) -> Self {
        EmitEntry {
            op_type: TypeId::of::<T>,
            takes: takes::<T>,
            emit: emit::<T>,
            krate,
        }
    }
}

inventory::collect!(EmitEntry);

/// Registers the ONNX form of an operator.
#[macro_export]
macro_rules! register_emit {
    ($op:ty) => {
        $crate::inventory::submit! {
            $crate::emit::EmitEntry::of::<$op>(env!("CARGO_PKG_NAME"))
        }
    };
}

fn typed<T: Op>(op: &dyn Op) -> Option<&T> {
    (op as &dyn Any).downcast_ref::<T>()
}

fn takes<T: Emit>(op: &dyn Op, inputs: &[TensorSpec]) -> bool {
    typed::<T>(op).is_some_and(|op| op.takes(inputs))
}

fn emit<T: Emit>(op: &dyn Op, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
    match typed::<T>(op) {
        Some(op) => op.emit(e, inputs),
        None => anyhow::bail!("form called with another operator, {}", op.name()),
    }
}

/// All forms of this binary, by operator type.
pub(crate) struct Forms {
    by_type: HashMap<TypeId, &'static EmitEntry>,
}

impl Forms {
    /// The registered forms, collected once.
    ///
    /// # Errors
    /// When two crates register a form for the same operator.
    pub(crate) fn get() -> anyhow::Result<&'static Forms> {
        static FORMS: OnceLock<Result<Forms, String>> = OnceLock::new();
        FORMS
            .get_or_init(Forms::collect)
            .as_ref()
            .map_err(|message| anyhow::anyhow!("{message}"))
    }

    fn collect() -> Result<Forms, String> {
        let mut by_type: HashMap<TypeId, &'static EmitEntry> = HashMap::new();
        for entry in inventory::iter::<EmitEntry> {
            if let Some(other) = by_type.insert((entry.op_type)(), entry) {
                return Err(format!(
                    "two ONNX forms for one operator, from `{}` and `{}`; remove one",
                    other.krate, entry.krate
                ));
            }
        }
        Ok(Forms { by_type })
    }

    /// The form of an operator on these inputs.
    pub(crate) fn find(&self, op: &dyn Op, inputs: &[TensorSpec]) -> Option<EmitFn> {
        let entry = self.by_type.get(&(op as &dyn Any).type_id())?;
        (entry.takes)(op, inputs).then_some(entry.emit)
    }
}
