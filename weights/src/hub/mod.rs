//! `hf:ORG/NAME[@REVISION]`: checkpoints of the Hugging Face hub, through its cache.
//!
//! What is in the cache is used as it is; what is missing is fetched, once. Of weights that others fetched the hub is
//! asked what comes with them; once that is known, nothing is asked of the network.
//! The crate `hf-hub` knows the cache's layout and the hub's addresses, and goes on with downloads that
//! were interrupted. It neither compares lengths and checksums nor knows the offline mode: that is done here.

mod cache;
mod fetch;
mod location;

use std::path::Path;

use nongemm_core::plugin::{Claim, WeightFormat, WeightSource};
use nongemm_core::register;

pub use fetch::Hub;
pub(crate) use location::Location;

use crate::KINDS;

/// The weight format `hf`.
pub struct HuggingFace;

register!(dyn WeightFormat, &HuggingFace);

impl WeightFormat for HuggingFace {
    fn id(&self) -> &'static str {
        "hf"
    }

    fn summary(&self) -> &'static str {
        "hf:ORG/NAME[@REVISION]: a checkpoint of the Hugging Face hub, fetched once into its cache"
    }

    fn claim(&self, location: &str) -> Claim {
        match location.starts_with("hf:") {
            true => Claim::Sure,
            false => Claim::No,
        }
    }

    fn open(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        let folder = Hub::from_env()?.folder(location)?;
        open(&folder)
    }
}

/// Opens the checkpoint in a folder of the cache.
fn open(folder: &Path) -> anyhow::Result<Box<dyn WeightSource>> {
    let location = folder.to_string_lossy();
    let kind = KINDS.iter().max_by_key(|kind| kind.claim(&location));
    match kind {
        Some(kind) => kind.open(&location),
        None => anyhow::bail!("no format of checkpoints is known"),
    }
}
