//! Profilers: what is measured of a prepared session.

use super::backend::Session;
use super::registry::plugin_kind;
use crate::measure::{Measurement, SamplePlan};

/// Measures a session whose inputs are bound.
///
/// ```
/// use nongemm_core::measure::{Limits, Measurement, SamplePlan};
/// use nongemm_core::plugin::{Plugins, Profiler, Session};
///
/// /// A look, not a measurement: few samples.
/// struct Glance;
///
/// impl Profiler for Glance {
///     fn id(&self) -> &'static str {
///         "glance"
///     }
///
///     fn summary(&self) -> &'static str {
///         "latency and operators from three samples"
///     }
///
///     fn profile(
///         &self,
///         session: &mut dyn Session,
///         plan: &mut SamplePlan<'_>,
///     ) -> anyhow::Result<Measurement> {
///         plan.limits = Limits { min_samples: 3, max_samples: 3, ..plan.limits };
///         Plugins::collect()?.profilers.get("latency")?.profile(session, plan)
///     }
/// }
///
/// nongemm_core::register!(dyn Profiler, &Glance);
///
/// let plugins = Plugins::collect()?;
/// assert_eq!(plugins.profilers.ids().collect::<Vec<_>>(), ["glance", "latency"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
