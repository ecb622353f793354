//! From a file that describes a model to the model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::{Spanned, Value};

use super::model::{Described, DescribedInput, FromFile, Size};
use super::schema::{InputToml, ModelToml, Text};
use crate::manifest::setting;
use crate::plan::{UsageError, in_range};
use crate::plugin::{
    DefaultSizes, Domain, Model, Plugins, Provenance, Registered, RequestedInput, nearest,
    split_location,
};
use crate::shape::{Shape, TensorSpec};

/// Reads a file that describes a model. What it says stays until the process ends, as plugins do.
///
/// # Errors
/// One line that names the file, the position and what is wrong.
pub(super) fn read(
    file: &Path,
    plugins: &Plugins,
) -> Result<&'static Registered<dyn Model>, UsageError> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| UsageError(format!("cannot read {name}: {error}")))?;
    let text = Text {
        name: &name,
        text: &text,
    };
    let toml = text.parse().map_err(UsageError)?;
    let model = Reader {
        text,
        file,
        toml,
        plugins,
    };
    let model = model.read().map_err(UsageError)?;
    let model: &'static FromFile = Box::leak(Box::new(model));
    Ok(Box::leak(Box::new(Registered {
        plugin: model as &dyn Model,
        krate: leaked(name),
    })))
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

struct Reader<'a> {
    text: Text<'a>,
    file: &'a Path,
    toml: ModelToml,
    plugins: &'a Plugins,
}

impl Reader<'_> {
    fn read(self) -> Result<FromFile, String> {
        let id = self.id()?;
        let toml = &self.toml;
        let described = Described {
            by: self.file.to_owned(),
            dataset: toml.dataset.as_deref().map(|dataset| self.dataset(dataset)),
            settings: self.settings()?,
            inputs: self.inputs()?,
            ..Described::default()
        };
        match (&toml.file, &toml.model) {
            (Some(file), None) => self.program(id, file, described),
            (None, Some(model)) => self.variant(id, model, described),
            _ => Err(self.text.at(
                &toml.id,
                "a model is described by `file` (a program that a backend runs) or by `model` (a registered \
                 model): give one of them",
            )),
        }
    }

    /// A model that is a program.
    fn program(
        &self,
        id: &'static str,
        file: &Spanned<String>,
        described: Described,
    ) -> Result<FromFile, String> {
        let toml = &self.toml;
        if let Some(weights) = &toml.weights {
            let message = "`weights` goes with `model`; a file holds its own";
            return Err(self.text.at(weights, message));
        }
        if let (Some(preprocessor), true) = (&toml.preprocessor, toml.inputs.is_empty()) {
            let message = "`preprocessor` needs [[inputs]]: name, dtype and shape of each tensor";
            return Err(self.text.at(preprocessor, message));
        }
        let path = self.existing(file)?;
        let kind = path.extension().unwrap_or_default().to_string_lossy();
        Ok(FromFile {
            id,
            domain: toml.domain.unwrap_or(Domain::Other),
            provenance: Provenance {
                checkpoint: leaked(path.display().to_string()),
                reference: leaked(format!(".{kind} file")),
            },
            sizes: self.sizes(DefaultSizes::default())?,
            base: None,
            reader: self.reader()?,
            described: Described {
                file: Some(path),
                ..described
            },
        })
    }

    /// A registered model with other weights, settings or data.
    fn variant(
        &self,
        id: &'static str,
        model: &Spanned<String>,
        described: Described,
    ) -> Result<FromFile, String> {
        let toml = &self.toml;
        if let Some(input) = toml.inputs.first() {
            let message = "[[inputs]] goes with `file`; a model says its own";
            return Err(self.text.at(&input.shape, message));
        }
        let base = self.plugins.models.get(model.get_ref());
        let base = base.map_err(|error| self.text.at(model, error))?;
        let weights = toml.weights.as_ref();
        let weights = weights.map(|weights| self.relative(weights.get_ref()));
        let published = base.provenance();
        Ok(FromFile {
            id,
            domain: toml.domain.unwrap_or_else(|| base.domain()),
            provenance: Provenance {
                checkpoint: weights.clone().map_or(published.checkpoint, leaked),
                ..published
            },
            sizes: self.sizes(base.sizes())?,
            base: Some(base),
            reader: self.reader()?.or(Some(base)),
            described: Described {
                weights,
                ..described
            },
        })
    }

    fn id(&self) -> Result<&'static str, String> {
        let id = self.toml.id.get_ref();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
        if id.is_empty() || id == "all" || !id.chars().all(allowed) {
            return Err(self.text.at(
                &self.toml.id,
                format!("`{id}` is no id: use lower-case letters, digits, `-`, `.` and `_`, and not `all`"),
            ));
        }
        Ok(leaked(id.clone()))
    }

    fn existing(&self, file: &Spanned<String>) -> Result<PathBuf, String> {
        let path = self.folder().join(file.get_ref());
        if path.is_file() {
            return Ok(path);
        }
        let message = match path.is_dir() {
            true => format!(
                "{} is a folder; a checkpoint goes with `model` and `weights`",
                path.display()
            ),
            false => format!("no model file {}", path.display()),
        };
        Err(self.text.at(file, message))
    }

    /// The model whose preprocessor is named.
    fn reader(&self) -> Result<Option<&'static dyn Model>, String> {
        let Some(named) = &self.toml.preprocessor else {
            return Ok(None);
        };
        let models = || self.plugins.models.iter().map(|entry| entry.plugin);
        let id = named.get_ref();
        if let Some(model) = models().find(|model| model.preprocessor().id() == id) {
            return Ok(Some(model));
        }
        let known: BTreeSet<&str> = models().map(|model| model.preprocessor().id()).collect();
        let hint = nearest::hint(&nearest::nearest(id, known.iter().copied()));
        let known: Vec<&str> = known.into_iter().collect();
        Err(self.text.at(
            named,
            format!(
                "unknown preprocessor `{id}`{hint} (known: {})",
                known.join(", ")
            ),
        ))
    }

    fn settings(&self) -> Result<BTreeMap<String, String>, String> {
        let text = |(key, value): (&String, &Spanned<Value>)| {
            let text = setting(key, value.get_ref());
            let text = text.map_err(|message| self.text.at(value, message));
            text.map(|text| (key.clone(), text))
        };
        self.toml.set.iter().map(text).collect()
    }

    fn inputs(&self) -> Result<Vec<DescribedInput>, String> {
        let inputs: Result<Vec<_>, String> =
            self.toml.inputs.iter().map(|i| self.input(i)).collect();
        let inputs = inputs?;
        if let (Some(first), None, None) = (
            self.toml.inputs.first(),
            &self.toml.preprocessor,
            &self.toml.dataset,
        ) {
            return Err(self.text.at(
                &first.shape,
                "[[inputs]] needs `preprocessor`, or a `dataset` of ready tensors such as npz:FILE",
            ));
        }
        Ok(inputs)
    }

    fn input(&self, input: &InputToml) -> Result<DescribedInput, String> {
        let size = |value: &Value| match value {
            Value::Integer(size) => usize::try_from(*size).ok().map(Size::Known),
            Value::String(name) => match name.as_str() {
                "batch" => Some(Size::Batch),
                "seq" => Some(Size::Seq),
                "image" => Some(Size::Image),
                _ => None,
            },
            _ => None,
        };
        let sizes: Option<Vec<Size>> = input.shape.get_ref().iter().map(size).collect();
        let wrong = |message: String| self.text.at(&input.shape, message);
        let shape = sizes.ok_or_else(|| {
            wrong(
                "a shape is a list of sizes: numbers, \"batch\", \"seq\" and \"image\"".to_owned(),
            )
        })?;
        for (size, key, given) in [
            (Size::Seq, "seq", &self.toml.seq),
            (Size::Image, "image", &self.toml.image),
        ] {
            if shape.contains(&size) && given.is_none() {
                return Err(wrong(format!(
                    "the shape of `{}` has \"{key}\": give its default as {key} = N",
                    input.name
                )));
            }
        }
        Ok(DescribedInput {
            input: RequestedInput {
                name: input.name.clone(),
                spec: TensorSpec::new(input.dtype, Shape::default()),
                below: input.below,
            },
            shape,
        })
    }

    fn sizes(&self, own: DefaultSizes) -> Result<DefaultSizes, String> {
        let size = |key: &str, given: &Option<Spanned<usize>>| {
            let Some(given) = given else { return Ok(None) };
            let checked = in_range(key, &[*given.get_ref()]);
            checked.map_err(|error| self.text.at(given, error))?;
            Ok::<_, String>(Some(*given.get_ref()))
        };
        Ok(DefaultSizes {
            seq: size("seq", &self.toml.seq)?.or(own.seq),
            image: size("image", &self.toml.image)?.or(own.image),
        })
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// A location as a path from the file's folder where something lies there, else as it is.
    fn relative(&self, location: &str) -> String {
        let path = self.folder().join(location);
        match path.exists() {
            true => path.display().to_string(),
            false => location.to_owned(),
        }
    }

    fn dataset(&self, location: &str) -> String {
        match split_location(location) {
            (id, Some(path)) => format!("{id}:{}", self.relative(&path.to_string_lossy())),
            (id, None) => id.to_owned(),
        }
    }
}
