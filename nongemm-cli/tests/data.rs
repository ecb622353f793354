//! Datasets of users: what can be used is used, what cannot is skipped and named, and nothing crashes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Done, bench, records, run};
use serde_json::Value;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn picture() -> Vec<u8> {
    fs::read(repository().join("datasets/sample/images/clock.jpg")).unwrap()
}

fn tokenizer(family: &str) -> PathBuf {
    repository()
        .join("datasets/tests/fixtures/tokenizers")
        .join(family)
}

/// The header of a PNG file of 100 megapixels; there is no need for more.
fn bomb() -> Vec<u8> {
    let mut header = b"IHDR\0\0\x27\x10\0\0\x27\x10\x08\x02\0\0\0".to_vec();
    let crc = header.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    });
    header.extend((!crc).to_be_bytes());
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0d",
        &header[..],
        b"\0\0\0\x08IDAT\0\0\0\0",
    ]
    .concat()
}

fn refused(done: &Done, expected: &str) {
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "one line: {}", done.stderr);
    assert!(
        done.stderr.contains(expected),
        "{expected:?} is not in {}",
        done.stderr
    );
}

fn refused_bench(args: &[&str], expected: &str) {
    let out = tempfile::tempdir().unwrap();
    refused(&bench(out.path(), args), expected);
    assert_eq!(common::json_files(out.path()).len(), 0, "nothing was run");
}

fn dataset(id: &str, path: &Path) -> String {
    format!("{id}:{}", path.display())
}

/// Two good pictures among bad ones.
fn mixed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("a.jpg", &picture()[..3000]);
    put("b.png", &bomb());
    put("c.jpg", &picture());
    put("d.jpg", b"no picture");
    put("e.jpg", &picture());
    folder
}

#[test]
fn bad_pictures_are_skipped_counted_and_named() {
    let folder = mixed();
    let images = dataset("images", folder.path());
    let done = run(&["data", "check", &images, "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let found: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&found[0]["usable"], &found[0]["skipped"]["count"]),
        (&2.into(), &3.into())
    );
    let shown = run(&["data", "check", &images]).stdout;
    for reason in [
        "a.jpg` ends before",
        "at most 67 megapixels",
        "d.jpg` is not a JPEG",
    ] {
        assert!(shown.contains(reason), "{shown}");
    }

    let out = tempfile::tempdir().unwrap();
    let done = bench(
        out.path(),
        &["--model", "resnet50", "--dataset", &images, "--batch", "3"],
    );
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let inputs = records(out.path())[0].inputs.clone().unwrap();
    let names: Vec<&str> = inputs.samples[0]
        .iter()
        .map(|name| name.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["c.jpg", "e.jpg", "c.jpg"]);
    assert_eq!((inputs.skipped.count, inputs.skipped.first.len()), (3, 3));
    assert!(inputs.read_ns > 0 && inputs.preprocess_ns > 0);
}

#[test]
fn nothing_usable_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let images = dataset("images", folder.path());
    refused_bench(
        &["--model", "resnet50", "--dataset", &images],
        "no JPEG or PNG file in",
    );
    let imagenet = dataset("imagenet", folder.path());
    refused(
        &run(&["data", "check", &imagenet]),
        "nor in class folders in it",
    );
    fs::write(folder.path().join("cut.jpg"), &picture()[..500]).unwrap();
    refused_bench(
        &["--model", "resnet50", "--dataset", &images],
        "none of its 1 items can be used; the first: `",
    );
    refused(
        &run(&["data", "check", &images]),
        "none of its 1 items can be used",
    );
    refused_bench(
        &["--model", "bert", "--dataset", &images],
        "it holds photographs, and this model reads text",
    );
    fs::write(folder.path().join("captions.json"), "{\"a\": 1}").unwrap();
    let coco = dataset("coco", folder.path());
    refused_bench(
        &["--model", "detr", "--dataset", &coco],
        "is no annotation file of COCO",
    );
    refused(
        &run(&["data", "check", "imagnet:x"]),
        "did you mean `imagenet`?",
    );
}

#[test]
fn texts_are_tokenized_and_bad_ones_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wiki.test.raw");
    fs::write(
        &file,
        b"\n = Title = \n\nbad \xff line\nThe second text .\nA third .\n",
    )
    .unwrap();
    let wikitext = dataset("wikitext", folder.path());
    let done = run(&["data", "check", &wikitext]);
    assert!(
        done.stdout.contains("3 usable (text), 3 skipped"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains("raw:4` is not valid UTF-8"),
        "{}",
        done.stdout
    );

    let model = ["--model", "gpt2", "--dataset", &wikitext, "--batch", "3"];
    refused_bench(&model, "name one with --set tokenizer=PATH");
    let set = format!("tokenizer={}", tokenizer("gpt2").display());
    let small = [&model[..], &["--set", &set, "--set", "vocab=300"]].concat();
    refused_bench(&small, "has the id 399, but the model's table has 300 rows");
    let out = tempfile::tempdir().unwrap();
    let done = bench(
        out.path(),
        &[&model[..], &["--set", &set, "--set", "vocab=512"]].concat(),
    );
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let inputs = records(out.path())[0].inputs.clone().unwrap();
    assert!(
        inputs.preprocessor.starts_with("causal-text, tokenizer "),
        "{inputs:?}"
    );
    let names = &inputs.samples[0];
    assert!(
        names.len() == 3 && names[0] != names[1] && names[1] != names[2],
        "{names:?}"
    );
}

#[test]
fn ready_tensors_must_fit_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.npz");
    fs::write(&file, "no archive").unwrap();
    let npz = dataset("npz", &file);
    refused_bench(&["--model", "gpt2", "--dataset", &npz], "is no .npz file");
    refused(
        &run(&["data", "check", &npz]),
        "none of its 1 items can be used",
    );
}

#[test]
fn a_configuration_of_a_preprocessor_is_taken_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("preprocessor_config.json");
    let set = format!("preprocessor={}", folder.path().display());
    let model = ["--model", "vit-b16", "--set", &set];
    refused_bench(&model, "preprocessor_config.json`: cannot read it");
    fs::write(&file, r#"{"image_processor_type": "ViTImageProcessor"}"#).unwrap();
    refused_bench(
        &model,
        "makes 224 x 224 pixels, but the model takes 64 x 64; give --image 224",
    );
    fs::write(&file, r#"{"image_processor_type": "OwlViTImageProcessor"}"#).unwrap();
    refused_bench(
        &model,
        "image_processor_type OwlViTImageProcessor is not known",
    );
    fs::write(
        &file,
        r#"{"image_processor_type": "ViTImageProcessor", "size": 64}"#,
    )
    .unwrap();
    let out = tempfile::tempdir().unwrap();
    let done = bench(out.path(), &model);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let inputs = records(out.path())[0].inputs.clone().unwrap();
    assert_eq!(
        inputs.preprocessor,
        format!("ViTImageProcessor of {}", file.display())
    );
}
