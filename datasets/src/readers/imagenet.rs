//! `imagenet:PATH`: ImageNet as it is unpacked.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{Dataset, Modality, Samples};
use nongemm_core::register;

use super::files::{entries, pictures, read_picture};

/// A folder of class folders (`n01440764/ILSVRC2012_val_00000293.JPEG`), or the flat validation folder.
///
/// Pictures are sorted by file name, whatever folder they lie in: the validation pictures then come in the
/// same order in both layouts, and a batch holds several classes.
#[derive(Clone, Copy, Debug)]
pub struct ImageNet;

register!(dyn Dataset, &ImageNet);

impl Dataset for ImageNet {
    fn id(&self) -> &'static str {
        "imagenet"
    }

    fn summary(&self) -> &'static str {
        "ImageNet: a folder of class folders, or the flat validation folder (imagenet:PATH)"
    }

    fn holds(&self) -> &'static [Modality] {
        &[Modality::Image]
    }

    fn open(&self, _: Modality, path: Option<&Path>) -> Result<Samples> {
        let folder = path.context("the `imagenet` dataset needs a folder: imagenet:PATH")?;
        let mut files = Vec::new();
        for entry in entries(folder)? {
            if entry.is_dir() {
                files.extend(pictures(&entry)?);
            }
        }
        let flat = pictures(folder)?;
        if !files.is_empty() && !flat.is_empty() {
            bail!(
                "`{}` holds both pictures and class folders with pictures; give one of them",
                folder.display()
            );
        }
        files.extend(flat);
        if files.is_empty() {
            bail!(
                "no JPEG or PNG file in `{}`, nor in class folders in it",
                folder.display()
            );
        }
        files.sort_by(|a, b| key(a).cmp(&key(b)));
        Ok(Box::new(files.into_iter().map(|file| read_picture(&file))))
    }
}

/// What pictures are sorted by.
fn key(file: &Path) -> (Option<&OsStr>, &Path) {
    (file.file_name(), file)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    const CLOCK: &[u8] = include_bytes!("../../sample/images/clock.jpg");

    fn names(folder: &Path) -> Result<Vec<String>> {
        let samples = ImageNet.open(Modality::Image, Some(folder))?;
        samples
            .map(|sample| {
                let path = PathBuf::from(sample?.name());
                let name = path.file_name().and_then(|name| name.to_str());
                Ok(name.unwrap_or_default().to_owned())
            })
            .collect()
    }

    #[test]
    fn both_layouts_come_in_the_same_order() {
        let [flat, classes] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for (class, name) in [
            ("n02", "val_1.JPEG"),
            ("n01", "val_2.JPEG"),
            ("n01", "val_3.JPEG"),
        ] {
            let folder = classes.path().join(class);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), CLOCK).unwrap();
            fs::write(flat.path().join(name), CLOCK).unwrap();
        }
        let expected = ["val_1.JPEG", "val_2.JPEG", "val_3.JPEG"];
        assert_eq!(names(flat.path()).unwrap(), expected);
        assert_eq!(names(classes.path()).unwrap(), expected);
        fs::write(classes.path().join("val_4.JPEG"), CLOCK).unwrap();
        let both = names(classes.path()).unwrap_err().to_string();
        assert!(both.contains("both pictures and class folders"), "{both}");
    }

    #[test]
    fn a_folder_without_pictures_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("n01")).unwrap();
        let message = names(folder.path()).unwrap_err().to_string();
        assert!(message.starts_with("no JPEG or PNG file in `"), "{message}");
    }
}
