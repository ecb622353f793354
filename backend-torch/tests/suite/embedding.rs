//! all-MiniLM-L6-v2 as it is published: its weights and its tokenizer give the reference's embeddings.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nongemm_core::dtype::DType;
use nongemm_core::plugin::{Companions, Device, InputRequest, Sample, Text};
use nongemm_core::tensor::HostTensor;

use crate::support::case::Case;
use crate::support::flow::{self, Tensors};
use crate::support::reference::{self, Reference};

/// Largest difference of a number of an embedding, whose length is 1.
const TOLERANCE: f64 = 1e-4;

/// The first two say the same. They have different lengths, so that there is padding.
const TEXTS: [&str; 4] = [
    "A cat sits on the mat.",
    "A small cat is sitting upon a rug, as cats do.",
    "Interest rates rose again in the third quarter.",
    "Down, down, down. Would the fall never come to an end?",
];

/// The folder that `cargo xtask test torch` fetches.
fn folder() -> PathBuf {
    let set = std::env::var_os("NONGEMM_MINILM").map(PathBuf::from);
    let folder = set.unwrap_or_else(|| {
        let cache = nongemm_core::cache::dir().unwrap();
        cache.join("all-minilm-l6-v2-0.1.2/model")
    });
    let shown = folder.display();
    assert!(
        folder.is_dir(),
        "there is no checkpoint at {shown}; run `cargo xtask test torch`"
    );
    folder
}

fn expected(folder: &Path, length: usize) -> Tensors {
    let files = tempfile::tempdir().unwrap();
    let (texts, out) = (
        files.path().join("texts"),
        files.path().join("out.safetensors"),
    );
    fs::write(&texts, format!("{TEXTS:?}")).unwrap();
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../models/reference/embedding.py"
    );
    let length = length.to_string();
    let arguments = [folder.as_os_str(), length.as_ref(), out.as_os_str()];
    let input = File::open(texts).unwrap();
    let reference = Reference::new(None).unwrap();
    reference
        .script_on(Path::new(script), &arguments, Some(input))
        .unwrap();
    reference::load(&out).unwrap()
}

fn tensor<'t>(tensors: &'t Tensors, name: &str) -> &'t HostTensor {
    &tensors.iter().find(|(other, _)| other == name).unwrap().1
}

fn cosine(embeddings: &[f64], a: usize, b: usize) -> f64 {
    let row = |index: usize| embeddings.chunks_exact(384).nth(index).unwrap();
    row(a).iter().zip(row(b)).map(|(a, b)| a * b).sum()
}

#[test]
fn a_published_checkpoint_gives_the_reference_s_embeddings() {
    let folder = folder();
    let case = Case {
        batch: TEXTS.len(),
        seq: Some(16),
        ..Case::full("all-minilm-l6-v2").unwrap()
    };
    let graph = case.graph().unwrap();
    let companions = Companions {
        folder: Some(folder.clone()),
        ..Companions::default()
    };
    let request = InputRequest::of(&graph, case.batch).with(companions);
    let mut samples = TEXTS.iter().map(|text| {
        Ok(Sample::Text(Text {
            name: (*text).to_owned(),
            text: (*text).to_owned(),
            ids: Default::default(),
        }))
    });
    let preprocessor = case.model().unwrap().preprocessor();
    let inputs = preprocessor.prepare(&mut samples, &request).unwrap();
    let names = request.inputs.iter().map(|input| input.name.clone());
    let inputs: Tensors = names.zip(inputs).collect();

    let expected = expected(&folder, 16);
    for (name, tensor_) in &inputs {
        assert_eq!(tensor_, tensor(&expected, name), "{name}");
    }
    let mask = tensor(&expected, "attention_mask").data().to_f64();
    assert!(
        mask.contains(&0.0) && mask.contains(&1.0),
        "there is padding"
    );

    let weights = flow::weights(folder.to_str().unwrap()).unwrap();
    let theirs = tensor(&expected, "sentence_embedding").data().to_f64();
    for backend in ["torch", "torch:script"] {
        let options = flow::options(Device::Cpu, DType::F32, &[]).unwrap();
        let found = flow::run(backend, &options, &graph, weights.as_ref(), &inputs).unwrap();
        let ours = tensor(&found, "sentence_embedding").data().to_f64();
        assert_eq!((ours.len(), theirs.len()), (4 * 384, 4 * 384));
        let apart = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
        let worst = apart.fold(0.0, f64::max);
        assert!(worst <= TOLERANCE, "{backend}: {worst}");
        assert!((cosine(&ours, 0, 0) - 1.0).abs() < 1e-5);
        let alike = cosine(&ours, 0, 1);
        for (a, b) in [(0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            let unlike = cosine(&ours, a, b);
            assert!(
                alike > 0.5 && unlike < 0.3,
                "{alike}, {a} and {b}: {unlike}"
            );
        }
    }
}
