//! The columns that tell which run a row belongs to.

use std::time::{SystemTime, UNIX_EPOCH};

use nongemm_core::record::RunRecord;

use super::table::{Column, Type, int};

/// Something that belongs to a run.
pub(super) trait OfRun {
    /// The run.
    fn run(&self) -> &RunRecord;
}

/// The columns.
pub(super) fn columns<R: OfRun>() -> Vec<Column<R>> {
    vec![
        ("run", Type::Text(|row| Some(row.run().id.clone()))),
        ("started", Type::Instant(|row| instant(&row.run().started))),
        (
            "model",
            Type::Text(|row| Some(row.run().spec.model.clone())),
        ),
        (
            "backend",
            Type::Text(|row| Some(row.run().spec.backend.clone())),
        ),
        (
            "device",
            Type::Text(|row| Some(row.run().spec.device.to_string())),
        ),
        (
            "dtype",
            Type::Text(|row| Some(row.run().spec.dtype.to_string())),
        ),
        ("batch", Type::Int(|row| int(row.run().spec.batch))),
        ("seq", Type::Int(|row| row.run().spec.seq.and_then(int))),
        ("image", Type::Int(|row| row.run().spec.image.and_then(int))),
        ("threads", Type::Int(|row| int(row.run().spec.threads))),
    ]
}

/// Microseconds since 1970; `None` for what is no time.
fn instant(text: &str) -> Option<i64> {
    let time: SystemTime = humantime::parse_rfc3339(text).ok()?;
    int(time.duration_since(UNIX_EPOCH).ok()?.as_micros())
}
