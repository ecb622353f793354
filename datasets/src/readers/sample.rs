//! `sample`: the photographs and passages that come with the tool.
//!
//! The files are embedded. `sample/CREDITS.md` names their authors and licences;
//! `tools/make_sample.py` makes them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{Dataset, Modality, Sample, Samples, Text};
use nongemm_core::register;
use serde::Deserialize;

use crate::decode::decode;

/// Eight photographs and twelve passages of English text with their token ids.
#[derive(Clone, Copy, Debug)]
pub struct SampleData;

register!(dyn Dataset, &SampleData);

/// A table of `(file name, contents)`.
macro_rules! embed {
    ($include:ident, $folder:literal, [$($file:literal),* $(,)?]) => {
        &[$(($file, $include!(concat!("../../sample/", $folder, "/", $file)))),*]
    };
}

static IMAGES: &[(&str, &[u8])] = embed!(
    include_bytes,
    "images",
    [
        "astronaut.jpg",
        "camera.jpg",
        "chelsea.jpg",
        "clock.jpg",
        "coffee.jpg",
        "hubble.jpg",
        "retina.jpg",
        "rocket.jpg",
    ]
);

static TEXTS: &[(&str, &str)] = embed!(
    include_str,
    "text",
    [
        "alice-caterpillar.txt",
        "alice-rabbit-hole.txt",
        "alice-tea-party.txt",
        "amendment-rights.txt",
        "as-you-like-it-stage.txt",
        "constitution-executive.txt",
        "constitution-judiciary.txt",
        "constitution-legislature.txt",
        "constitution-powers.txt",
        "declaration-charges.txt",
        "declaration-truths.txt",
        "paradise-lost-opening.txt",
    ]
);

static IDS: &str = include_str!("../../sample/text/ids.json");

/// One entry of `ids.json`.
#[derive(Deserialize)]
struct Passage {
    name: String,
    text_file: String,
    ids: BTreeMap<String, Vec<u32>>,
}

impl Dataset for SampleData {
    fn id(&self) -> &'static str {
        "sample"
    }

    fn summary(&self) -> &'static str {
        "8 photographs and 12 passages of English text, embedded"
    }

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Image, Modality::Text]
    }

    fn open(&self, modality: Modality, path: Option<&Path>) -> Result<Samples> {
        if let Some(path) = path {
            bail!(
                "the `sample` dataset takes no path, but got `{}`; for a folder use `images:PATH`",
                path.display()
            );
        }
        match modality {
            Modality::Image => {
                let images = IMAGES.iter();
                let read = |(name, bytes): &(&str, &[u8])| Ok(Sample::Image(decode(name, bytes)?));
                Ok(Box::new(images.map(read)))
            }
            Modality::Text => {
                let texts = passages()?.into_iter();
                Ok(Box::new(texts.map(|text| Ok(Sample::Text(text)))))
            }
            Modality::Tensors => bail!("the `sample` dataset holds no ready tensors"),
        }
    }
}

/// The passages in the order of `ids.json`.
fn passages() -> Result<Vec<Text>> {
    let entries: Vec<Passage> =
        serde_json::from_str(IDS).context("cannot read the embedded `ids.json`")?;
    entries
        .into_iter()
        .map(|entry| {
            let (_, text) = TEXTS
                .iter()
                .find(|(file, _)| *file == entry.text_file)
                .with_context(|| format!("`{}` is not embedded", entry.text_file))?;
            Ok(Text {
                name: entry.name,
                text: (*text).to_owned(),
                ids: entry.ids,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nongemm_core::run::Reader;

    use super::*;

    fn files(folder: &str, extension: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("sample")
            .join(folder);
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(extension))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_file_is_embedded() {
        let images: Vec<_> = IMAGES.iter().map(|(name, _)| *name).collect();
        let texts: Vec<_> = TEXTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(images, files("images", ".jpg"));
        assert_eq!(texts, files("text", ".txt"));
    }

    #[test]
    fn every_file_is_credited() {
        let credits = include_str!("../../sample/CREDITS.md");
        let names = IMAGES.iter().map(|(name, _)| name);
        for name in names.chain(TEXTS.iter().map(|(name, _)| name)) {
            assert!(credits.contains(name), "`{name}` is not in CREDITS.md");
        }
    }

    #[test]
    fn photographs_decode_and_repeat() {
        let images: Vec<Sample> = Reader::open(&SampleData, Modality::Image, None)
            .unwrap()
            .take(IMAGES.len() + 1)
            .collect::<Result<_>>()
            .unwrap();
        assert_eq!(images[0], images[IMAGES.len()]);
        for sample in &images {
            let Sample::Image(image) = sample else {
                panic!("not a photograph")
            };
            assert_eq!(image.rgb.len(), 3 * image.width * image.height);
            assert!(image.width.max(image.height) <= 640);
        }
    }

    #[test]
    fn passages_are_different_and_have_ids_of_both_vocabularies() {
        let texts = passages().unwrap();
        assert_eq!(texts.len(), TEXTS.len());
        let distinct: BTreeSet<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        assert_eq!(distinct.len(), texts.len());
        for text in &texts {
            assert!(text.text.split_whitespace().count() >= 300, "{}", text.name);
            for (vocabulary, size) in [("gpt2", 50257), ("bert-base-uncased", 30522)] {
                let ids = &text.ids[vocabulary];
                assert!(ids.len() >= 400 && ids.iter().all(|&id| id < size));
            }
        }
    }

    #[test]
    fn a_path_is_refused() {
        let error = SampleData
            .open(Modality::Image, Some(Path::new("x")))
            .map(|_| ())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the `sample` dataset takes no path, but got `x`; for a folder use `images:PATH`"
        );
    }
}
