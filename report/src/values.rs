//! Values of a record as the text that tables hold.

use nongemm_core::record::OpRow;
use nongemm_core::shape::TensorSpec;

/// Attributes as a JSON object; `None` for none.
pub(crate) fn attrs(op: &OpRow) -> Option<String> {
    if op.attrs.is_empty() {
        return None;
    }
    serde_json::to_string(&op.attrs).ok()
}

/// `[1, 128]; [128]`.
pub(crate) fn shapes(specs: &[TensorSpec]) -> String {
    let shapes: Vec<String> = specs.iter().map(|spec| spec.shape.to_string()).collect();
    shapes.join("; ")
}

/// `f32; i64`.
pub(crate) fn dtypes(specs: &[TensorSpec]) -> String {
    let dtypes: Vec<&str> = specs.iter().map(|spec| spec.dtype.name()).collect();
    dtypes.join("; ")
}
