//! The dataset `my-plugin`: the lines of a text file (`--dataset my-plugin:FILE`).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use nongemm_core::plugin::{Dataset, Modality, Sample, Samples, Text};
use nongemm_core::register;

/// Each line is a passage of text. Photographs (`Sample::Image`) and ready tensors (`Sample::Tensors`) go the same way.
#[derive(Debug)]
pub struct MyPlugin;

register!(dyn Dataset, &MyPlugin);

impl Dataset for MyPlugin {
    fn id(&self) -> &'static str {
        "my-plugin"
    }

    fn summary(&self) -> &'static str {
        "lines of a text file (my-plugin:FILE)"
    }

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Text]
    }

    /// One pass, a sample at a time. An item that cannot be used is an error of its own; the rest goes on.
    fn open(&self, _: Modality, path: Option<&Path>) -> anyhow::Result<Samples> {
        let path = path.context("the dataset needs a file: my-plugin:FILE")?;
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let name = path.display().to_string();
        let lines = BufReader::new(file).lines().enumerate();
        Ok(Box::new(lines.map(move |(number, line)| {
            let name = format!("{name}:{}", number + 1);
            let text = line.with_context(|| name.clone())?;
            let ids = Default::default();
            Ok(Sample::Text(Text { name, text, ids }))
        })))
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::plugin::Plugins;

    use super::*;

    #[test]
    fn it_is_registered_and_gives_lines() {
        let plugins = Plugins::collect().unwrap();
        let dataset = plugins.datasets.get("my-plugin").unwrap();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
        let mut samples = dataset.open(Modality::Text, Some(&own)).unwrap();
        let Sample::Text(first) = samples.next().unwrap().unwrap() else {
            panic!("it holds text");
        };
        assert!(first.text.starts_with("//! The dataset"), "{}", first.text);
        assert!(first.name.ends_with("lib.rs:1"), "{}", first.name);
        assert!(dataset.open(Modality::Text, None).is_err());
    }
}
