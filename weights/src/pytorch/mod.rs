//! PyTorch's own checkpoints (`.pth`, `.pt`, `.bin`): state dictionaries written by `torch.save`.
//!
//! Such a file is a pickle, a program for a small stack machine, beside the raw elements of its tensors.
//! The pickle is interpreted here without running anything that it names: tensors, containers, strings
//! and numbers are built, and any other name is an error ([`pickle`]). Both layouts are read: the zip
//! archive of PyTorch 1.6 and later ([`archive`]), and the sequence of pickles of earlier versions
//! ([`legacy`]).
//!
//! A location is a file, a folder that holds `pytorch_model.bin` or `pytorch_model.bin.index.json` with
//! its shards, or such an index.

mod archive;
mod element;
mod legacy;
mod pickle;
mod state_dict;
mod tensor;

use nongemm_core::plugin::{Claim, WeightFormat, WeightSource};
use nongemm_core::register;

use crate::checkpoint::{Contents, Kind};

/// The weight format `pytorch`.
pub struct Pytorch;

register!(dyn WeightFormat, &Pytorch);

pub(crate) const KIND: Kind = Kind {
    id: "pytorch",
    files: "PyTorch checkpoints",
    single: "pytorch_model.bin",
    index: "pytorch_model.bin.index.json",
    index_ending: ".bin.index.json",
    extensions: &["pth", "pt", "bin", "ckpt"],
    // Safetensors of the same folder go first: they need no interpreter.
    in_folder: Claim::Able,
    starts: |start| archive::starts(start) || legacy::starts(start),
    read,
};

fn read(file: &[u8]) -> Result<Contents, String> {
    if archive::starts(file) {
        archive::read(file)
    } else if legacy::starts(file) {
        legacy::read(file)
    } else {
        Err(
            "not a PyTorch checkpoint: it starts neither as a zip archive nor as a pickle"
                .to_owned(),
        )
    }
}

impl WeightFormat for Pytorch {
    fn id(&self) -> &'static str {
        KIND.id
    }

    fn summary(&self) -> &'static str {
        "PATH of a PyTorch checkpoint (.pth, .pt, .bin; no code in it is run), of a folder with \
         pytorch_model.bin, or of an index with shards"
    }

    fn claim(&self, location: &str) -> Claim {
        KIND.claim(location)
    }

    fn open(&self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        KIND.open(location)
    }
}
