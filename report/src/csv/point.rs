//! The columns that tell which run a row belongs to.

use nongemm_core::record::RunRecord;

use super::optional;

/// Titles of the columns.
pub(super) const HEADER: [&str; 8] = [
    "run", "model", "backend", "device", "dtype", "batch", "seq", "image",
];

/// Their values.
pub(super) fn fields(run: &RunRecord) -> Vec<String> {
    let spec = &run.spec;
    vec![
        run.id.clone(),
        spec.model.clone(),
        spec.backend.clone(),
        spec.device.to_string(),
        spec.dtype.to_string(),
        spec.batch.to_string(),
        optional(spec.seq),
        optional(spec.image),
    ]
}
