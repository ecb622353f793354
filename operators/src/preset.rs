//! The shipped registry: the operators of the NonGEMM Bench paper's 18 models at their published sizes.
//!
//! `cargo xtask registry capture experiments/registry.toml --with operators/registry/seen.registry --out
//! operators/registry/preset.registry` makes it: the shapes come from graphs, which need no weights, and those
//! that only the data decide from `seen.registry`, the extracted calls of real runs of the detectors.

use nongemm_core::plugin::Preset;
use nongemm_core::register;
use nongemm_core::registry::{OperatorRegistry, decode};

static FILE: &[u8] = include_bytes!("../registry/preset.registry");

/// The registry `preset`.
#[derive(Clone, Copy, Debug)]
struct Shipped;

impl Preset for Shipped {
    fn id(&self) -> &'static str {
        "preset"
    }

    fn summary(&self) -> &'static str {
        "the operators of the NonGEMM Bench paper's 18 models, at several batch sizes and sequence lengths"
    }

    fn registry(&self) -> anyhow::Result<OperatorRegistry> {
        let found = decode(FILE)?;
        match found.refused.first() {
            None => Ok(found.registry),
            Some(refused) => anyhow::bail!("{refused}"),
        }
    }
}

register!(dyn Preset, &Shipped);

#[cfg(test)]
mod tests {
    use nongemm_core::op::OpRegistry;
    use nongemm_core::registry::check;

    use super::*;

    #[test]
    fn every_entry_can_be_run_alone() {
        let ops = OpRegistry::collect().unwrap();
        let registry = Shipped.registry().unwrap();
        for entry in registry.iter() {
            let (op, _) = check(&entry.call, &ops).unwrap();
            assert_eq!(op.group(), entry.call.group);
            assert!(!entry.met.is_empty());
        }
    }

    #[test]
    fn it_holds_what_the_paper_holds_and_more() {
        let registry = Shipped.registry().unwrap();
        let gemm = registry.iter().filter(|entry| entry.call.is_gemm());
        let gemm = gemm.count();
        assert!(gemm > 0);
        assert!(registry.len() - gemm >= 1460, "{}", registry.len() - gemm);
        let models: std::collections::BTreeSet<&str> =
            registry.iter().flat_map(|entry| entry.models()).collect();
        assert_eq!(models.len(), 18);
    }
}
