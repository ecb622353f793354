//! `coco:PATH`: pictures and their annotation file, as COCO is unpacked.

use std::fs::File;
use std::io::BufReader;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{Dataset, Modality, Samples};
use nongemm_core::register;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::files::{entries, has_extension, read_picture};

/// The pictures that an annotation file lists, by their id, as `pycocotools` goes through them.
///
/// PATH is the annotation file, or the folder that holds `annotations/instances_val2017.json` (or another
/// `instances_*.json`). The pictures lie beside the annotation file, or in the folder that its name ends
/// with (`val2017`), beside it or beside the folder that it is in.
#[derive(Clone, Copy, Debug)]
pub struct Coco;

register!(dyn Dataset, &Coco);

/// The annotation file that is taken where there are several.
const PREFERRED: &str = "instances_val2017.json";

impl Dataset for Coco {
    fn id(&self) -> &'static str {
        "coco"
    }

    fn summary(&self) -> &'static str {
        "COCO: pictures and their annotation file (coco:PATH, the folder or the JSON file)"
    }

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Image]
    }

    fn open(&self, _: Modality, path: Option<&Path>) -> Result<Samples> {
        let path = path.context("the `coco` dataset needs a folder or a file: coco:PATH")?;
        let annotations = match path.is_dir() {
            true => find(path)?,
            false => path.to_owned(),
        };
        let listed = read(&annotations)?;
        let folders = folders(&annotations);
        let folder = folders.iter().find(|folder| {
            let mut images = listed.iter();
            images
                .any(|image| is_plain(&image.file_name) && folder.join(&image.file_name).is_file())
        });
        let Some(folder) = folder.cloned() else {
            let shown: Vec<String> = folders
                .iter()
                .map(|f| format!("`{}`", f.display()))
                .collect();
            bail!(
                "none of the {} pictures that `{}` lists is in {}",
                listed.len(),
                annotations.display(),
                shown.join(", ")
            );
        };
        Ok(Box::new(listed.into_iter().map(move |image| {
            // A name that leads elsewhere is not the user's picture.
            ensure!(
                is_plain(&image.file_name),
                "`{}` is not a name of a picture",
                image.file_name.escape_debug()
            );
            read_picture(&folder.join(&image.file_name))
        })))
    }
}

/// What is read of an annotation file.
#[derive(Deserialize)]
struct Annotations {
    images: Option<Vec<Listed>>,
    annotations: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Listed {
    id: i64,
    file_name: String,
}

/// The pictures that a file lists, by id.
fn read(path: &Path) -> Result<Vec<Listed>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
    ensure!(file.metadata()?.is_file(), "`{name}` is not a file");
    let read: Annotations = serde_json::from_reader(BufReader::new(file))
        .with_context(|| format!("`{name}` is no annotation file of COCO"))?;
    let (Some(mut images), Some(_)) = (read.images, read.annotations) else {
        bail!(
            "`{name}` is no annotation file of COCO: it has no lists `images` and `annotations`; \
             give an `instances_*.json`"
        );
    };
    ensure!(!images.is_empty(), "`{name}` lists no pictures");
    images.sort_by_key(|image| image.id);
    Ok(images)
}

/// The annotation file of a folder.
fn find(folder: &Path) -> Result<PathBuf> {
    let below = folder.join("annotations");
    let mut found = Vec::new();
    for folder in [folder, below.as_path()] {
        if folder.is_dir() {
            found.extend(entries(folder)?);
        }
    }
    found.retain(|file| has_extension(file, &["json"]) && file.is_file());
    let named = |file: &&PathBuf, start: &str| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(start))
    };
    let preferred = found.iter().find(|file| named(file, PREFERRED));
    let instances = found.iter().find(|file| named(file, "instances_"));
    match (preferred.or(instances), found.as_slice()) {
        (Some(file), _) => Ok(file.clone()),
        (None, [only]) => Ok(only.clone()),
        (None, []) => bail!(
            "no annotation file in `{}` or its folder `annotations`",
            folder.display()
        ),
        (None, _) => bail!(
            "several JSON files in `{}`, none of them `instances_*.json`; give the file: coco:FILE",
            folder.display()
        ),
    }
}

/// Where the pictures of an annotation file may lie.
fn folders(annotations: &Path) -> Vec<PathBuf> {
    let beside = annotations.parent().unwrap_or(Path::new("")).to_owned();
    let stem = annotations.file_stem().and_then(|stem| stem.to_str());
    let set = stem
        .and_then(|stem| stem.rsplit_once('_'))
        .map(|(_, set)| set);
    let mut folders = Vec::new();
    if let Some(set) = set {
        folders.extend(beside.parent().map(|above| above.join(set)));
        folders.push(beside.join(set));
    }
    folders.push(beside);
    folders
}

fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CLOCK: &[u8] = include_bytes!("../../sample/images/clock.jpg");

    fn folder(annotations: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let [notes, pictures] = ["annotations", "val2017"].map(|name| root.path().join(name));
        fs::create_dir(&notes).unwrap();
        fs::create_dir(&pictures).unwrap();
        fs::write(notes.join("captions_val2017.json"), "{}").unwrap();
        fs::write(notes.join("instances_val2017.json"), annotations).unwrap();
        for name in ["000000000001.jpg", "000000000009.jpg"] {
            fs::write(pictures.join(name), CLOCK).unwrap();
        }
        root
    }

    fn error(annotations: &str) -> String {
        let root = folder(annotations);
        let opened = Coco.open(Modality::Image, Some(root.path())).map(|_| ());
        let message = format!("{:#}", opened.unwrap_err());
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }

    #[test]
    fn pictures_come_by_id_and_missing_ones_are_named() {
        let root = folder(
            r#"{"info": {}, "images": [
                {"id": 9, "file_name": "000000000009.jpg", "width": 400, "height": 300},
                {"id": 1, "file_name": "000000000001.jpg"},
                {"id": 4, "file_name": "gone.jpg"}, {"id": 5, "file_name": "../../x.jpg"}],
                "annotations": [{"id": 1, "image_id": 1, "bbox": [0, 0, 1, 1]}]}"#,
        );
        let file = root.path().join("annotations/instances_val2017.json");
        for path in [root.path(), &file] {
            let samples = Coco.open(Modality::Image, Some(path)).unwrap();
            let seen: Vec<String> = samples
                .map(|sample| sample.map_or_else(|e| format!("{e:#}"), |s| s.name().to_owned()))
                .collect();
            assert!(seen[0].ends_with("val2017/000000000001.jpg"), "{seen:?}");
            assert!(seen[1].starts_with("cannot read `"), "{seen:?}");
            assert_eq!(seen[2], "`../../x.jpg` is not a name of a picture");
            assert!(seen[3].ends_with("000000000009.jpg"), "{seen:?}");
        }
    }

    #[test]
    fn other_files_and_absent_pictures_are_errors() {
        assert!(error("[1, 2]").contains("is no annotation file of COCO: "));
        assert!(error("{\"images\": [").contains("is no annotation file of COCO: EOF"));
        assert!(error(r#"{"weight_map": {}}"#).contains("no lists `images` and `annotations`"));
        assert!(error(r#"{"images": [], "annotations": []}"#).contains("lists no pictures"));
        let absent = r#"{"images": [{"id": 1, "file_name": "x.jpg"}], "annotations": []}"#;
        assert!(error(absent).contains("none of the 1 pictures that"));
        let empty = tempfile::tempdir().unwrap();
        let none = Coco.open(Modality::Image, Some(empty.path())).map(|_| ());
        assert!(
            none.unwrap_err()
                .to_string()
                .starts_with("no annotation file in")
        );
    }
}
