//! Published checkpoints in the safetensors format.
//!
//! A location is a `.safetensors` file, a folder that holds `model.safetensors` or
//! `model.safetensors.index.json` with its shards, or such an index. Parameters are found by name or
//! alias; tensors that the model does not need are ignored. A floating-point tensor of another type
//! than the run's is converted as it is loaded (rounded to the nearest).

mod file;
mod fingerprint;
mod header;
mod location;
mod shown;
mod source;

use std::path::Path;

use nongemm_core::plugin::{WeightFormat, WeightSource};
use nongemm_core::register;

use crate::synthetic::Synthetic;

/// The weight format `safetensors`.
pub struct Safetensors;

register!(dyn WeightFormat, &Safetensors);

impl WeightFormat for Safetensors {
    fn id(&self) -> &'static str {
        "safetensors"
    }

    fn summary(&self) -> &'static str {
        "PATH of a safetensors file, of a folder with model.safetensors, or of an index with shards"
    }

    fn claims(&self, location: &str) -> bool {
        // A folder that is called `synthetic` does not hide the synthetic weights.
        !Synthetic.claims(location) && location::is_claimed(location)
    }

    fn open(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        Ok(Box::new(source::Checkpoint::open(Path::new(location))?))
    }
}
