//! Users' own models that do not run: archives and inputs that are damaged or do not fit.

use std::fs;
use std::path::{Path, PathBuf};

use nongemm_core::dtype::DType;
use nongemm_core::plugin::{Availability, Backend, Device};
use nongemm_torch::Eager;
use tch::{Kind, Tensor};

use crate::file::{archives, prepare};

/// A folder with a copy of an archive and its inputs.
fn copied(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["pt", "inputs.safetensors"] {
        let file = format!("{name}.{ending}");
        fs::copy(archives().join(&file), folder.path().join(&file)).unwrap();
    }
    let file = folder.path().join(format!("{name}.pt"));
    (folder, file)
}

fn refused(file: &Path) -> String {
    match prepare(&Eager, file) {
        Ok(_) => panic!("{} runs", file.display()),
        Err(message) => message,
    }
}

#[test]
fn damaged_archives_are_named() {
    let (folder, file) = copied("inverted");
    let bytes = fs::read(&file).unwrap();
    for damaged in [&b""[..], b"not a zip archive", &bytes[..bytes.len() / 2]] {
        fs::write(&file, damaged).unwrap();
        let found = refused(&file);
        assert!(
            found.starts_with("inverted.pt is no TorchScript archive: "),
            "{found}"
        );
    }
    drop(folder);
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let (folder, file) = copied("inverted");
    let inputs = folder.path().join("inverted.inputs.safetensors");
    let model = fs::read(&inputs).unwrap();
    fs::write(&inputs, b"nothing").unwrap();
    let found = refused(&file);
    assert!(
        found.contains("inverted.inputs.safetensors cannot be read"),
        "{found}"
    );
    let image = || Tensor::zeros([3, 4], (Kind::Float, tch::Device::Cpu));
    Tensor::write_safetensors(&[("image", image())], &inputs).unwrap();
    assert_eq!(
        refused(&file),
        "inverted.inputs.safetensors holds no input `input`, only: image"
    );
    Tensor::write_safetensors(&[("image", image()), ("input", image())], &inputs).unwrap();
    assert_eq!(
        refused(&file),
        "inverted.inputs.safetensors holds `image`, which is no input of inverted.pt: it takes input"
    );
    Tensor::write_safetensors(&[("input", image())], &inputs).unwrap();
    let found = refused(&file);
    assert!(
        found.starts_with("inverted.pt: aten::_convolution: Expected"),
        "{found}"
    );
    fs::write(&inputs, model).unwrap();
    assert!(prepare(&Eager, &file).is_ok());
    fs::remove_file(&inputs).unwrap();
    assert_eq!(
        refused(&file),
        "inverted.pt needs its inputs in inverted.inputs.safetensors; capture.py writes both"
    );
}

#[test]
fn an_operator_without_kernel_is_named() {
    let found = refused(&archives().join("no-kernel.pt"));
    assert_eq!(
        found,
        "no-kernel.pt: aten::cudnn_convolution: Could not run 'aten::cudnn_convolution' with \
         arguments from the 'CPU' backend."
    );
}

#[test]
fn a_gpu_that_is_not_there_is_named() {
    let availability = Eager.check_device(Device::Cuda(99), DType::F32);
    let Availability::Missing { reason, remedy } = availability else {
        panic!("a hundredth GPU");
    };
    assert!(!reason.contains('\n') && !reason.is_empty(), "{reason}");
    assert!(remedy.contains("--device cpu"), "{remedy}");
}
