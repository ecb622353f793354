//! The reporter `non-gemm`: what the paper's section 3.2.4 says of operators that are no GEMM.

mod characteristics;
mod expensive;
mod trace;
mod variants;

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{ReportTarget, Reporter};
use nongemm_core::record::RunRecord;
use nongemm_core::register;

use crate::output;
use crate::workload::reason;

/// Writes Markdown: the most expensive group of each run (Table 4), variants by group, model and flow, operators
/// with characteristics and example shapes (Table 2), and traces by domain.
pub struct NonGemmReporter;

register!(dyn Reporter, &NonGemmReporter);

impl Reporter for NonGemmReporter {
    fn id(&self) -> &'static str {
        "non-gemm"
    }

    fn summary(&self) -> &'static str {
        "non-GEMM operators: most expensive groups, variants, characteristics, traces, as Markdown (non-gemm.md \
         in a folder)"
    }

    fn report(&self, runs: &[RunRecord], target: &mut ReportTarget<'_>) -> anyhow::Result<()> {
        output::document(target, "non-gemm.md", |out| {
            writeln!(out, "# Non-GEMM operators")?;
            expensive::write(runs, out)?;
            variants::write(runs, out)?;
            characteristics::write(runs, out)?;
            trace::write(runs, out)?;
            for run in runs.iter().filter(|run| run.profile.is_none()) {
                writeln!(out, "\n{} has no operators: {}", run.id, reason(run))?;
            }
            Ok(())
        })
    }
}

/// Whether a group is none of GEMM's.
fn is_non_gemm(group: OpGroup) -> bool {
    !matches!(group, OpGroup::Gemm | OpGroup::Mixed)
}
