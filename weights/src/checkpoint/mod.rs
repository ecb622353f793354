//! What checkpoints of every file format share: which files a location means, mapping them, finding the
//! tensor for a parameter, converting it.

mod entry;
mod file;
mod fingerprint;
mod location;
pub(crate) mod shown;
mod source;

use std::path::Path;

use nongemm_core::plugin::{Claim, WeightSource};

pub(crate) use entry::{Contents, ElementType, Entry};
pub(crate) use location::{is_path, shards};

/// A file format of checkpoints.
pub(crate) struct Kind {
    /// Its id.
    pub(crate) id: &'static str,
    /// How messages call its files, in the plural.
    pub(crate) files: &'static str,
    /// A checkpoint in one file, in a folder.
    pub(crate) single: &'static str,
    /// The index of a checkpoint in several, in a folder.
    pub(crate) index: &'static str,
    /// How the names of indices end.
    pub(crate) index_ending: &'static str,
    /// The extensions of its files.
    pub(crate) extensions: &'static [&'static str],
    /// What it says about a folder with such files: folders may hold several formats.
    pub(crate) in_folder: Claim,
    /// Whether a file starts like one.
    pub(crate) starts: fn(&[u8]) -> bool,
    /// Reads what a file holds; an error is what is wrong with it, without its name.
    pub(crate) read: fn(&[u8]) -> Result<Contents, String>,
}

impl Kind {
    /// Whether a location is one of this format.
    pub(crate) fn claim(&self, location: &str) -> Claim {
        location::claim(self, location)
    }

    /// Opens a checkpoint.
    ///
    /// # Errors
    /// When a file is missing or wrong; one line that names it.
    pub(crate) fn open(&'static self, location: &str) -> anyhow::Result<Box<dyn WeightSource>> {
        let opened = source::Checkpoint::open(self, Path::new(location))?;
        Ok(Box::new(opened))
    }
}
