//! Requests that cannot be run.

use crate::graph::BuildError;
use crate::manifest::ManifestError;
use crate::plugin::{Panicked, RegistryError};

/// A request that cannot be run: one line that names the thing and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

macro_rules! usage_from {
    ($($error:ty),*) => {$(
        impl From<$error> for UsageError {
            fn from(error: $error) -> Self {
                UsageError(error.to_string())
            }
        }
    )*};
}
usage_from!(ManifestError, RegistryError, BuildError, Panicked);

impl From<anyhow::Error> for UsageError {
    fn from(error: anyhow::Error) -> Self {
        UsageError(format!("{error:#}"))
    }
}
