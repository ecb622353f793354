//! Whether an entry can be what it says.

use std::sync::Arc;

use serde_json::Value;

use super::entry::Call;
use crate::op::{Op, OpError, OpRegistry};
use crate::shape::{ShapeError, TensorSpec};

/// The largest tensor that is taken for a tensor rather than for a mistake: 1 TiB.
pub const LARGEST_BYTES: u64 = 1 << 40;

/// Why an entry cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The operator cannot be read back.
    #[error(transparent)]
    Op(#[from] OpError),
    /// The operator does not take its inputs.
    #[error("{op}: {source}")]
    Inputs {
        /// The operator.
        op: String,
        /// What does not fit.
        source: ShapeError,
    },
    /// A size that only a run knows.
    #[error("{op}: the size of input {spec} is not known")]
    Symbolic {
        /// The operator.
        op: String,
        /// The input.
        spec: TensorSpec,
    },
    /// A tensor that no machine holds.
    #[error("{op}: {spec} takes more than 1 TiB")]
    TooLarge {
        /// The operator.
        op: String,
        /// The input or output.
        spec: TensorSpec,
    },
    /// Strides that do not fit the inputs.
    #[error("{op}: {message}")]
    Layout {
        /// The operator.
        op: String,
        /// What does not fit.
        message: String,
    },
    /// A framework's operator, of which only its flow knows what it is.
    #[error("{vocabulary} operator `{op}` is not one of the graph's")]
    Foreign {
        /// Its vocabulary.
        vocabulary: String,
        /// Its name.
        op: String,
    },
}

/// Reads the operator of a call back and checks that it takes the inputs, that all sizes are known, and
/// that no tensor is larger than [`LARGEST_BYTES`]. Returns it with the specs of its outputs, which may
/// have sizes that only a run knows.
///
/// # Errors
/// When it does not.
pub fn check(call: &Call, ops: &OpRegistry) -> Result<(Arc<dyn Op>, Vec<TensorSpec>), Refused> {
    sizes(call)?;
    let instance = &call.instance;
    if !call.is_ir() {
        return Err(Refused::Foreign {
            vocabulary: call.vocabulary.clone(),
            op: instance.op.clone(),
        });
    }
    let op = instance.op(ops)?;
    let outputs = op
        .infer(&instance.inputs)
        .map_err(|source| Refused::Inputs {
            op: instance.op.clone(),
            source,
        })?;
    let symbolic = |spec: &&TensorSpec| spec.shape.known().is_some();
    for spec in outputs.iter().filter(symbolic) {
        within(&instance.op, spec)?;
    }
    Ok((op, outputs))
}

/// The spec that a JSON value holds.
///
/// # Errors
/// Says what is wrong with it; a negative size is named.
pub fn read_spec(value: &Value) -> Result<TensorSpec, String> {
    let sizes = value["shape"].as_array().into_iter().flatten();
    if let Some(size) = sizes.filter_map(Value::as_i64).find(|size| *size < 0) {
        return Err(format!("an input has the negative size {size}"));
    }
    serde_json::from_value(value.clone()).map_err(|error| format!("{error} in {value}"))
}

/// Checks what can be checked of a call in any vocabulary: sizes and strides.
pub(super) fn sizes(call: &Call) -> Result<(), Refused> {
    let op = &call.instance.op;
    for spec in &call.instance.inputs {
        if spec.shape.known().is_none() {
            return Err(Refused::Symbolic {
                op: op.clone(),
                spec: spec.clone(),
            });
        }
        within(op, spec)?;
    }
    let Some(layout) = &call.layout else {
        return Ok(());
    };
    let fits = layout.len() == call.instance.inputs.len()
        && layout.iter().zip(&call.instance.inputs).all(|pair| {
            let (strides, spec) = pair;
            let rank = strides.as_ref().map(Vec::len);
            rank.is_none_or(|rank| rank == spec.shape.rank())
        });
    if fits {
        return Ok(());
    }
    Err(Refused::Layout {
        op: op.clone(),
        message: "the strides are not one for each dimension of each input".to_owned(),
    })
}

fn within(op: &str, spec: &TensorSpec) -> Result<(), Refused> {
    let elements = spec.shape.elements().map(|elements| elements as u64);
    let bytes = elements.and_then(|elements| elements.checked_mul(spec.dtype.size() as u64));
    if bytes.is_some_and(|bytes| bytes <= LARGEST_BYTES) {
        return Ok(());
    }
    Err(Refused::TooLarge {
        op: op.to_owned(),
        spec: spec.clone(),
    })
}
