//! Published checkpoints in the safetensors format.
//!
//! A location is a `.safetensors` file, a folder that holds `model.safetensors` or
//! `model.safetensors.index.json` with its shards, or such an index. Parameters are found by name or
//! alias; tensors that the model does not need are ignored. A floating-point tensor of another type
//! than the run's is converted as it is loaded (rounded to the nearest).

mod header;

use nongemm_core::plugin::{Claim, WeightFormat, WeightSource};
use nongemm_core::register;

use crate::checkpoint::{Kind, is_path};

/// The weight format `safetensors`.
pub struct Safetensors;

register!(dyn WeightFormat, &Safetensors);

pub(crate) const KIND: Kind = Kind {
    id: "safetensors",
    files: "safetensors files",
    single: "model.safetensors",
    index: "model.safetensors.index.json",
    index_ending: ".safetensors.index.json",
    extensions: &["safetensors"],
    // Preferred where a folder holds other formats too.
    in_folder: Claim::Sure,
    starts: |start| start.get(8) == Some(&b'{'),
    read: header::read,
};

impl WeightFormat for Safetensors {
    fn id(&self) -> &'static str {
        KIND.id
    }

    fn summary(&self) -> &'static str {
        "PATH of a safetensors file, of a folder with model.safetensors, or of an index with shards"
    }

    fn claim(&self, location: &str) -> Claim {
        match KIND.claim(location) {
            // What no format knows: the message about it is this one's.
            Claim::No if is_path(location) => Claim::Fallback,
            claim => claim,
        }
    }

    fn open(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        KIND.open(location)
    }
}
