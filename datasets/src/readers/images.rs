//! `images:PATH`: the photographs in a folder, or one photograph.

use std::path::Path;

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{Dataset, Modality, Samples};
use nongemm_core::register;

use super::files::{pictures, read_picture};

/// JPEG and PNG files of one folder, sorted by name, without subfolders, or one file. Files of other kinds
/// in the folder are left out.
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

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Image]
    }

    fn open(&self, _: Modality, path: Option<&Path>) -> Result<Samples> {
        let path = path.context("the `images` dataset needs a folder: images:PATH")?;
        let files = match path.is_file() {
            true => vec![path.to_owned()],
            false => pictures(path)?,
        };
        if files.is_empty() {
            bail!("no JPEG or PNG file in `{}`", path.display());
        }
        Ok(Box::new(files.into_iter().map(|file| read_picture(&file))))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nongemm_core::plugin::Sample;
    use nongemm_core::run::Reader;

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
        let reader = Reader::open(&ImageFolder, Modality::Image, Some(folder.path())).unwrap();
        let name = |sample: Result<Sample>| {
            let path = sample.unwrap().name().to_owned();
            path.rsplit('/').next().unwrap().to_owned()
        };
        let names: Vec<String> = reader.take(3).map(name).collect();
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
        let text = Reader::open(&ImageFolder, Modality::Text, None).map(|_| ());
        assert_eq!(
            text.unwrap_err().to_string(),
            "it holds photographs, and this model reads text"
        );
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
