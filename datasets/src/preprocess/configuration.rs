//! `preprocessor_config.json`: how the photographs of a checkpoint are prepared.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nongemm_core::plugin::Companions;
use serde_json::{Map, Value};

use super::processor::Processor;
use super::recipe::{Recipe, shown};

const FILE: &str = "preprocessor_config.json";

/// What a user names for the model's own preprocessor, whatever comes with the weights.
const OWN: &str = "model";

/// The longest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration of a checkpoint.
#[derive(Debug)]
pub(crate) struct Configuration {
    file: PathBuf,
    processor: Processor,
}

impl Configuration {
    /// The one that the user named, else the one that comes with the weights, if one does.
    ///
    /// # Errors
    /// When it cannot be read, or asks for what is not done here; one line that names the file.
    pub(crate) fn find(companions: &Companions) -> Result<Option<Self>> {
        let file = match (&companions.preprocessor, &companions.folder) {
            (Some(named), _) if named == Path::new(OWN) => return Ok(None),
            (Some(named), _) if named.is_dir() => named.join(FILE),
            (Some(named), _) => named.clone(),
            (None, Some(folder)) if folder.join(FILE).is_file() => folder.join(FILE),
            _ => return Ok(None),
        };
        let read = read(&file).and_then(|values| {
            let beside = file.parent().unwrap_or(Path::new("")).join("config.json");
            Processor::of(values, || model_type(&beside))
        });
        let processor = read.with_context(|| format!("`{}`", file.display()))?;
        Ok(Some(Configuration { file, processor }))
    }

    /// What it says, for an input of this size.
    ///
    /// # Errors
    /// When it makes photographs of another size.
    pub(crate) fn recipe(&self, input: [usize; 2]) -> Result<Recipe> {
        let recipe = self.processor.recipe;
        let size = self.processor.padded.or(recipe.size());
        let smaller = |size: [usize; 2]| size[0] <= input[0] && size[1] <= input[1];
        let pads = recipe.pads && self.processor.padded.is_none();
        if let Some(size) = size.filter(|size| *size != input && !(pads && smaller(*size))) {
            let image = match size[0] == size[1] {
                true => format!("give --image {}, or", size[0]),
                false => "give".to_owned(),
            };
            anyhow::bail!(
                "`{}` makes {} pixels, but the model takes {}; {image} --set preprocessor={OWN} for the model's own",
                self.file.display(),
                shown(size),
                shown(input)
            );
        }
        Ok(recipe)
    }

    /// How records call it.
    pub(crate) fn name(&self) -> String {
        format!("{} of {}", self.processor.name, self.file.display())
    }
}

fn read(file: &Path) -> Result<Map<String, Value>> {
    let info = fs::metadata(file).context("cannot read it")?;
    ensure!(info.is_file(), "is not a file");
    let bytes = info.len();
    ensure!(
        bytes <= MAX_BYTES,
        "has {bytes} bytes; at most 1 MiB are read"
    );
    serde_json::from_slice(&fs::read(file).context("cannot read it")?)
        .context("is no configuration of an image processor")
}

/// The kind of model that `config.json` is of, if it says so.
fn model_type(file: &Path) -> Option<String> {
    let values = read(file).ok()?;
    values.get("model_type")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Result<Option<Configuration>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        let companions = Companions {
            folder: Some(folder.path().to_owned()),
            ..Companions::default()
        };
        Configuration::find(&companions)
            .map_err(|e| format!("{e:#}").replace(&folder.path().display().to_string(), "DIR"))
    }

    #[test]
    fn another_size_is_an_error_that_says_what_to_give() {
        let found = find(r#"{"image_processor_type": "ViTImageProcessor", "size": 384}"#);
        let found = found.unwrap().unwrap();
        assert!(found.recipe([384, 384]).is_ok());
        let message = found.recipe([224, 224]).unwrap_err().to_string();
        assert!(
            message.ends_with(
                "makes 384 x 384 pixels, but the model takes 224 x 224; give --image 384, or --set \
                 preprocessor=model for the model's own"
            ),
            "{message}"
        );
    }

    #[test]
    fn damaged_files_are_errors_that_name_them() {
        for text in ["", "[]", "{\"size\": 3"] {
            let message = find(text).unwrap_err();
            assert!(
                message.starts_with(
                    "`DIR/preprocessor_config.json`: is no configuration of an image processor"
                ),
                "{message}"
            );
            assert_eq!(message.lines().count(), 1);
        }
        let long = format!("{{\"x\": \"{}\"}}", "x".repeat(1 << 20));
        assert!(find(&long).unwrap_err().contains("at most 1 MiB are read"));
    }

    #[test]
    fn what_the_user_names_goes_before_what_comes_with_the_weights() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "damaged").unwrap();
        let with = |named: Option<PathBuf>| {
            Configuration::find(&Companions {
                preprocessor: named,
                folder: Some(folder.path().to_owned()),
                ..Companions::default()
            })
        };
        assert!(with(None).is_err());
        assert!(with(Some("model".into())).unwrap().is_none());
        let other = tempfile::tempdir().unwrap();
        let message = format!("{:#}", with(Some(other.path().to_owned())).unwrap_err());
        assert!(message.contains("preprocessor_config.json`: cannot read it"));
        let named = other.path().join("mine.json");
        fs::write(&named, r#"{"image_processor_type": "ViTImageProcessor"}"#).unwrap();
        let found = with(Some(named)).unwrap().unwrap();
        assert!(found.name().starts_with("ViTImageProcessor of "));
        assert!(
            Configuration::find(&Companions::default())
                .unwrap()
                .is_none()
        );
    }
}
