//! The keys of `model.toml`, and reading them with errors that name the line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::dtype::DType;
use crate::manifest::{line_of, toml_error};
use crate::plugin::Domain;

/// A described model, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ModelToml {
    pub(super) id: Spanned<String>,
    pub(super) domain: Option<Domain>,
    /// A program that a backend runs by itself.
    pub(super) file: Option<Spanned<String>>,
    /// A registered model.
    pub(super) model: Option<Spanned<String>>,
    pub(super) weights: Option<Spanned<String>>,
    pub(super) preprocessor: Option<Spanned<String>>,
    pub(super) dataset: Option<String>,
    pub(super) seq: Option<Spanned<usize>>,
    pub(super) image: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) set: BTreeMap<String, Spanned<toml::Value>>,
    #[serde(default)]
    pub(super) inputs: Vec<InputToml>,
}

/// A tensor that a file takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputToml {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Spanned<Vec<toml::Value>>,
    /// For token ids: rows of the table.
    pub(super) below: Option<usize>,
}

const KEYS: &[&str] = &[
    "id",
    "domain",
    "file",
    "model",
    "weights",
    "preprocessor",
    "dataset",
    "seq",
    "image",
    "set",
    "inputs",
    "name",
    "dtype",
    "shape",
    "below",
];

/// A file's text and name: what a message needs to say where something is wrong.
pub(super) struct Text<'t> {
    pub(super) name: &'t str,
    pub(super) text: &'t str,
}

impl Text<'_> {
    pub(super) fn parse(&self) -> Result<ModelToml, String> {
        toml::from_str(self.text).map_err(|error| toml_error(self.name, self.text, &error, KEYS))
    }

    /// What is wrong at a value.
    pub(super) fn at<T>(&self, place: &Spanned<T>, message: impl std::fmt::Display) -> String {
        let line = line_of(self.text, place.span().start);
        format!("{}:{line}: {message}", self.name)
    }
}
