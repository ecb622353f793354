//! Whether something that depends on the machine can be used here.

use serde::{Deserialize, Serialize};

/// The answer of a plugin's `check()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Availability {
    /// It can be used; the detail says what was found.
    Ready {
        /// Version, device names, ...
        detail: String,
    },
    /// It cannot be used.
    Missing {
        /// What is missing, in one sentence.
        reason: String,
        /// How to get it, in one sentence.
        remedy: String,
    },
}

impl Availability {
    /// Usable, with what was found.
    pub fn ready(detail: impl Into<String>) -> Self {
        Availability::Ready {
            detail: detail.into(),
        }
    }

    /// Not usable, with the reason and the remedy.
    pub fn missing(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Availability::Missing {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    /// Whether it can be used.
    pub fn is_ready(&self) -> bool {
        matches!(self, Availability::Ready { .. })
    }
}
