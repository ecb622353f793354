//! The weights of a run.

use serde::{Deserialize, Serialize};

use crate::plugin::FileDigest;

/// The weights of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// What was opened: `synthetic:SEED`, or format, name, bytes and a fingerprint.
    pub source: String,
    /// The files, with the hash of all their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileDigest>,
}
