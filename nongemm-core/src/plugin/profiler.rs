//! Profilers: what is measured of a prepared session.

use super::backend::Session;
use super::registry::plugin_kind;
use crate::measure::{Measurement, SamplePlan};

/// Measures a session whose inputs are bound.
pub trait Profiler: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it measures, in one line.
    fn summary(&self) -> &'static str;

    /// Runs the session as often as the plan says.
    ///
    /// # Errors
    /// When the session fails.
    fn profile(
        &self,
        session: &mut dyn Session,
        plan: &mut SamplePlan<'_>,
    ) -> anyhow::Result<Measurement>;
}

plugin_kind!(Profiler, "profiler");
