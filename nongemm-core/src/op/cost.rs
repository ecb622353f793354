//! What an operator has to do at the least, from its shapes alone.

use serde::{Deserialize, Serialize};

use crate::shape::TensorSpec;

/// Work of one call: floating-point operations (a fused multiply-add is two) and the bytes that must
/// move when every operand is read once and every result written once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Floating-point operations.
    pub flops: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl Cost {
    /// No work: views and other operators that change only how memory is described.
    pub const FREE: Cost = Cost { flops: 0, bytes: 0 };

    /// `flops` operations; every input read once and every output written once.
    pub fn streaming(flops: u64, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let bytes = inputs
            .iter()
            .chain(outputs)
            .fold(0u64, |sum, spec| sum.saturating_add(spec.bytes()));
        Cost { flops, bytes }
    }

    /// `per_element` operations for each element of the first output; operands streamed once.
    pub fn elementwise(per_element: u64, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = outputs.first().map_or(0, TensorSpec::elements);
        Cost::streaming(per_element.saturating_mul(elements), inputs, outputs)
    }
}
