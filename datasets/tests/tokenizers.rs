//! Tokenizers in the three published forms, against transformers' rows of the same texts
//! (`tools/make_tokenizers.py`).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use nongemm_core::dtype::DType;
use nongemm_core::plugin::{Companions, InputRequest, Preprocessor, RequestedInput, Sample, Text};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostData;
use nongemm_datasets::{CausalText, MaskedText};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    rows: Vec<Rows>,
}

#[derive(Deserialize)]
struct Rows {
    family: String,
    length: usize,
    ids: Vec<Vec<i64>>,
    mask: Vec<Vec<i64>>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers")
}

fn golden() -> Golden {
    serde_json::from_slice(&std::fs::read(fixtures().join("rows.json")).unwrap()).unwrap()
}

fn sample((index, text): (usize, &String)) -> anyhow::Result<Sample> {
    Ok(Sample::Text(Text {
        name: format!("text {index}"),
        text: text.clone(),
        ids: Default::default(),
    }))
}

fn preprocessor(family: &str) -> Box<dyn Preprocessor> {
    match family {
        "bert" => Box::new(MaskedText {
            vocabulary: "v",
            cls: 101,
            sep: 102,
        }),
        _ => Box::new(CausalText { vocabulary: "v" }),
    }
}

fn request(batch: usize, length: usize, below: usize, companions: Companions) -> InputRequest {
    let input = |name: &str| RequestedInput {
        name: name.to_owned(),
        spec: TensorSpec::new(DType::I64, [batch, length]),
        below: Some(below),
    };
    InputRequest {
        batch,
        inputs: vec![input("input_ids"), input("attention_mask")],
        companions,
    }
}

fn with_weights(family: &str) -> Companions {
    Companions {
        folder: Some(fixtures().join(family)),
        ..Companions::default()
    }
}

fn named(path: PathBuf) -> Companions {
    Companions {
        tokenizer: Some(path),
        ..Companions::default()
    }
}

#[test]
fn rows_are_those_of_the_reference() {
    let golden = golden();
    for rows in &golden.rows {
        let request = request(
            golden.texts.len(),
            rows.length,
            1000,
            with_weights(&rows.family),
        );
        let mut samples = golden.texts.iter().enumerate().map(sample);
        let made = preprocessor(&rows.family)
            .prepare(&mut samples, &request)
            .unwrap();
        let shown = format!("{} at {}", rows.family, rows.length);
        assert_eq!(made[0].data(), &HostData::I64(rows.ids.concat()), "{shown}");
        assert_eq!(
            made[1].data(),
            &HostData::I64(rows.mask.concat()),
            "{shown}"
        );
    }
}

#[test]
fn rows_that_outnumber_the_texts_differ() {
    let golden = golden();
    let request = request(4, 8, 1000, with_weights("gpt2"));
    let long = golden.texts.concat();
    let mut samples = std::iter::repeat_with(|| sample((0, &long)));
    let made = preprocessor("gpt2")
        .prepare(&mut samples, &request)
        .unwrap();
    let HostData::I64(ids) = made[0].data() else {
        panic!("ids are i64")
    };
    let rows: Vec<&[i64]> = ids.chunks(8).collect();
    assert!(
        rows.iter()
            .enumerate()
            .all(|(i, row)| !rows[..i].contains(row))
    );
}

fn refused(family: &str, below: usize, companions: Companions) -> String {
    let request = request(1, 8, below, companions);
    let text = "Alice looked at it.".to_owned();
    let first = sample((0, &text)).unwrap();
    let error = preprocessor(family).check(&first, &request).unwrap_err();
    let message = format!("{error:#}");
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn another_models_tokenizer_is_refused() {
    let message = refused("gpt2", 300, with_weights("gpt2"));
    assert!(
        message.contains("has the id 399, but the model's table has 300 rows"),
        "{message}"
    );
}

#[test]
fn no_tokenizer_and_damaged_ones_are_errors_that_name_the_file() {
    let none = refused("bert", 1000, Companions::default());
    assert!(
        none.ends_with("name one with --set tokenizer=PATH"),
        "{none}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let empty = refused("bert", 1000, named(folder.path().to_owned()));
    assert!(
        empty.contains("holds no tokenizer.json, vocab.json with merges.txt"),
        "{empty}"
    );
    assert!(refused("bert", 1000, named(path("no"))).starts_with("cannot read the tokenizer"));
    std::fs::write(path("tokenizer.json"), "{\"model\": 3}").unwrap();
    assert!(
        refused("bert", 1000, named(path("tokenizer.json")))
            .contains("tokenizer.json is no tokenizer")
    );
    std::fs::write(path("vocab.txt"), "a\nb\n").unwrap();
    assert!(
        refused("bert", 1000, named(path("vocab.txt"))).contains("vocab.txt has no token [SEP]")
    );
    std::fs::write(path("vocab.json"), "{}").unwrap();
    assert!(refused("gpt2", 1000, named(path("vocab.json"))).contains("needs both"));
    std::fs::write(path("x.model"), "x").unwrap();
    assert!(refused("gpt2", 1000, named(path("x.model"))).contains("convert it to tokenizer.json"));
    // Every cut of a whole one.
    let whole = std::fs::read(fixtures().join("llama/tokenizer.json")).unwrap();
    for (index, end) in (0..whole.len() - 2).step_by(1999).enumerate() {
        let file = path(&format!("cut{index}.json"));
        std::fs::write(&file, &whole[..end]).unwrap();
        assert!(refused("gpt2", 1000, named(file)).contains("is no tokenizer"));
    }
}
