//! `images:PATH`: the photographs in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{Dataset, Modality, Sample, Samples};
use nongemm_core::register;

use crate::decode::{MAX_FILE_BYTES, decode};

/// JPEG and PNG files of one folder, sorted by name, without subfolders. Files of other kinds are
/// left out. After the last one the stream starts again, so that a batch may be larger than the folder.
#[derive(Clone, Copy, Debug)]
pub struct ImageFolder;

register!(dyn Dataset, &ImageFolder);

impl Dataset for ImageFolder {
    fn id(&self) -> &'static str {
        "images"
    }

    fn summary(&self) -> &'static str {
        "JPEG and PNG files of a folder (images:PATH)"
    }

    fn open(&self, modality: Modality, path: Option<&Path>) -> Result<Samples> {
        if modality != Modality::Image {
            bail!("the `images` dataset holds photographs, and this model reads text");
        }
        let folder = path.context("the `images` dataset needs a folder: images:PATH")?;
        let files = pictures(folder)?;
        if files.is_empty() {
            bail!("no JPEG or PNG file in `{}`", folder.display());
        }
        Ok(Box::new(files.into_iter().cycle().map(|file| read(&file))))
    }
}

/// The files that look like pictures, sorted by name.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_list = || format!("cannot list `{}`", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot_list)? {
        let path = entry.with_context(cannot_list)?.path();
        if has_picture_extension(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn has_picture_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            ["jpg", "jpeg", "png"]
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        })
}

fn read(file: &Path) -> Result<Sample> {
    let name = file.display().to_string();
    let cannot_read = || format!("cannot read `{name}`");
    let size = fs::metadata(file).with_context(cannot_read)?.len();
    if size > MAX_FILE_BYTES {
        bail!(
            "`{name}` has {size} bytes; at most {} MiB are read",
            MAX_FILE_BYTES >> 20
        );
    }
    let bytes = fs::read(file).with_context(cannot_read)?;
    Ok(Sample::Image(decode(&name, &bytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: &[u8] = include_bytes!("../../sample/images/clock.jpg");

    fn open(folder: &Path) -> Result<Samples> {
        ImageFolder.open(Modality::Image, Some(folder))
    }

    fn open_error(result: Result<Samples>) -> String {
        format!("{:#}", result.map(|_| ()).unwrap_err())
    }

    #[test]
    fn sorted_by_name_and_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.JPG", "a.jpeg", "notes.txt"] {
            fs::write(folder.path().join(name), CLOCK).unwrap();
        }
        fs::create_dir(folder.path().join("sub.png")).unwrap();
        let names: Vec<String> = open(folder.path())
            .unwrap()
            .take(3)
            .map(|sample| match sample.unwrap() {
                Sample::Image(image) => image.name.rsplit('/').next().unwrap().to_owned(),
                Sample::Text(text) => text.name,
            })
            .collect();
        assert_eq!(names, ["a.jpeg", "b.JPG", "a.jpeg"]);
    }

    #[test]
    fn a_missing_path_a_missing_folder_and_an_empty_one() {
        assert_eq!(
            open_error(ImageFolder.open(Modality::Image, None)),
            "the `images` dataset needs a folder: images:PATH"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        assert_eq!(
            open_error(open(folder.path())),
            format!("no JPEG or PNG file in `{path}`")
        );
        assert!(
            open_error(open(&folder.path().join("no")))
                .starts_with(&format!("cannot list `{path}/no`: "))
        );
        assert!(open_error(ImageFolder.open(Modality::Text, None)).contains("reads text"));
    }

    #[test]
    fn a_bad_file_is_an_error_and_the_stream_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jpg"), "not a picture").unwrap();
        fs::write(folder.path().join("b.jpg"), &CLOCK[..200]).unwrap();
        fs::write(folder.path().join("c.jpg"), CLOCK).unwrap();
        let mut samples = open(folder.path()).unwrap();
        for name in ["a.jpg", "b.jpg"] {
            let message = format!("{:#}", samples.next().unwrap().unwrap_err());
            assert!(
                message.contains(name) && !message.contains('\n'),
                "{message}"
            );
        }
        assert!(samples.next().unwrap().is_ok());
    }
}
