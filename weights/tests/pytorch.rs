//! Checkpoints that PyTorch wrote (`fixtures/write.py`).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{graph, load, message, open};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, GraphBuilder, Init, Piece};
use nongemm_core::plugin::{Claim, Plugins, WeightFormat, WeightSource};
use nongemm_core::tensor::HostData;
use nongemm_weights::Pytorch;

/// The tensors of every fixture.
const TENSORS: &[(&str, DType, &[usize])] = &[
    ("f32", DType::F32, &[4, 6]),
    ("f64", DType::F64, &[3]),
    ("f16", DType::F16, &[2, 3]),
    ("bf16", DType::BF16, &[2, 3]),
    ("i64", DType::I64, &[2]),
    ("i32", DType::I32, &[2]),
    ("u8", DType::U8, &[2]),
    ("bool", DType::Bool, &[3]),
    ("scalar", DType::F32, &[]),
    ("none", DType::F32, &[0, 3]),
    ("parameter", DType::F32, &[2, 2]),
    ("transposed", DType::F32, &[6, 4]),
    ("transposed_bf16", DType::BF16, &[3, 5]),
    ("expanded", DType::F32, &[3, 2]),
    ("rows", DType::F32, &[2, 6]),
    ("column", DType::F32, &[4]),
    ("steps", DType::F32, &[2, 3]),
    ("transposed_i64", DType::I64, &[3, 2]),
];

fn fixture(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    Path::new(folder).join(name)
}

fn read(path: &Path) -> Box<dyn WeightSource> {
    Pytorch.open(path.to_str().unwrap()).unwrap()
}

fn error(name: &str) -> String {
    let opened = Pytorch.open(fixture(name).to_str().unwrap());
    let text = format!("{:#}", opened.map(drop).unwrap_err());
    assert!(!text.contains('\n'), "more than one line: {text}");
    let folder = fixture("");
    text.replace(folder.to_str().unwrap(), "")
}

#[test]
fn every_layout_holds_the_same_tensors() {
    let expected = open(&fixture("plain.safetensors")).unwrap();
    for name in [
        "zip.pth",
        "legacy.pth",
        "protocol4.bin",
        "protocol5.bin",
        "big-endian.pth",
        "training.pt",
        "sharded",
        "sharded/pytorch_model.bin.index.json",
    ] {
        let found = read(&fixture(name));
        for (tensor, dtype, shape) in TENSORS {
            // As it is stored, and converted.
            let floats = [DType::F64, DType::F32, DType::F16, DType::BF16];
            let into: &[DType] = if dtype.is_float() { &floats } else { &[*dtype] };
            for &into in into {
                let graph = graph(into, &[(tensor, shape)]);
                found.verify(&graph).unwrap();
                let found = load(found.as_ref(), &graph, 0).unwrap();
                let expected = load(expected.as_ref(), &graph, 0).unwrap();
                assert_eq!(found, expected, "{tensor} of {name} as {into}");
            }
        }
    }
}

#[test]
fn views_are_read_through_their_strides() {
    let source = read(&fixture("zip.pth"));
    let graph = graph(DType::F32, &[("steps", &[2, 3]), ("column", &[4])]);
    let steps = load(source.as_ref(), &graph, 0).unwrap();
    let expected = vec![1.0, 3.0, 5.0, 13.0, 15.0, 17.0];
    assert_eq!(steps.data(), &HostData::F32(expected));
    let column = load(source.as_ref(), &graph, 1).unwrap();
    assert_eq!(column.data(), &HostData::F32(vec![4.0, 10.0, 16.0, 22.0]));
}

#[test]
fn what_holds_no_state_dictionary_is_refused() {
    assert_eq!(
        error("module.pth"),
        "module.pth: data.pkl: names `torch.nn.modules.linear.Linear`, which is refused: only \
         tensors and plain containers are read, no code is run; save model.state_dict(), or \
         convert the file to safetensors"
    );
    assert_eq!(
        error("script.pt"),
        "script.pt: is a TorchScript archive, which is a program: name it as --model, or save \
         the module's state_dict() for --weights"
    );
    assert_eq!(
        error("tensor.pth"),
        "tensor.pth: holds no dictionary of tensors; save model.state_dict()"
    );
    assert_eq!(
        error("two.pth"),
        "two.pth: holds several dictionaries of tensors, among them `a` and `b`: save the one \
         that is meant"
    );
    assert_eq!(
        error("plain.safetensors"),
        "plain.safetensors: not a PyTorch checkpoint: it starts neither as a zip archive nor as a \
         pickle"
    );
}

#[test]
fn types_without_counterpart_are_named() {
    let source = read(&fixture("unusual.pth"));
    let refused = |name| {
        let graph = graph(DType::F32, &[(name, &[2])]);
        let error = format!("{:#}", source.verify(&graph).unwrap_err());
        error.split_once("tensor ").unwrap().1.to_owned()
    };
    assert_eq!(
        refused("i16"),
        "`i16` is i16, which cannot become the f32 that the model needs"
    );
    let f8 = "`f8` is float8_e4m3fn, which cannot become the f32 that the model needs";
    assert_eq!(refused("f8"), f8);
    let graph = graph(DType::U32, &[("u32", &[2])]);
    let found = load(source.as_ref(), &graph, 0).unwrap();
    assert_eq!(found.data(), &HostData::U32(vec![1, 2]));
}

#[test]
fn claims_paths() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let claim = |path: &Path| Pytorch.claim(path.to_str().unwrap());
    assert_eq!(claim(folder.path()), Claim::No);
    assert_eq!(claim(&at("missing.pth")), Claim::Sure);
    assert_eq!(claim(&at("missing.safetensors")), Claim::No);
    assert_eq!(claim(&at("pytorch_model.bin.index.json")), Claim::Sure);
    for (layout, blob) in [("zip.pth", "0a1b"), ("legacy.pth", "2c3d")] {
        fs::copy(fixture(layout), at(blob)).unwrap();
        assert_eq!(claim(&at(blob)), Claim::Able, "{layout}");
    }
    fs::write(at("notes"), "PK is how it begins").unwrap();
    assert_eq!(claim(&at("notes")), Claim::No);
    fs::copy(fixture("zip.pth"), at("pytorch_model.bin")).unwrap();
    assert_eq!(claim(folder.path()), Claim::Able);
    assert_eq!(Pytorch.claim("synthetic"), Claim::No);
    assert_eq!(Pytorch.claim("hf:openai-community/gpt2.bin"), Claim::No);
}

/// Of several formats in a folder the safetensors are read, and the record says so.
#[test]
fn a_folder_with_several_formats() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let plugins = Plugins::collect().unwrap();
    let opened = || plugins.open_weights(folder.path().to_str().unwrap());
    let message = |opened: anyhow::Result<Box<dyn WeightSource>>| {
        message(&folder, &opened.map(drop).unwrap_err())
    };
    assert!(message(opened()).starts_with("DIR holds none of model.safetensors, "));
    fs::copy(fixture("zip.pth"), at("pytorch_model.bin")).unwrap();
    assert!(opened().unwrap().describe().starts_with("pytorch:"));
    fs::copy(fixture("plain.safetensors"), at("model.safetensors")).unwrap();
    assert!(opened().unwrap().describe().starts_with("safetensors:"));
    let missing = at("missing.pth");
    assert_eq!(
        message(plugins.open_weights(missing.to_str().unwrap())),
        "cannot read weights DIR/missing.pth: No such file or directory (os error 2)"
    );
    fs::write(at("notes.txt"), "no weights").unwrap();
    let notes = plugins.open_weights(at("notes.txt").to_str().unwrap());
    let notes = message(notes);
    assert!(
        notes.starts_with("cannot tell what weights `DIR/notes.txt` are; known: "),
        "{notes}"
    );
}

/// A parameter that the checkpoint keeps in pieces.
fn assembled(pieces: &[(&str, &[usize])], shape: &[usize]) -> Graph {
    let mut builder = GraphBuilder::new(DType::F32);
    builder
        .param("whole", shape.to_vec(), Init::std(1.0))
        .unwrap();
    builder.pieces_all(|_, found| {
        assert_eq!(found, shape);
        let piece = |&(name, shape): &(&str, &[usize])| Piece {
            name: name.to_owned(),
            shape: shape.to_vec(),
        };
        Some(pieces.iter().map(piece).collect())
    });
    builder.finish()
}

#[test]
fn pieces_become_one_parameter() {
    let path = fixture("zip.pth");
    let source = read(&path);
    let graph = assembled(&[("steps", &[2, 3]), ("transposed_bf16", &[3, 5])], &[3, 7]);
    source.verify(&graph).unwrap();
    let whole = load(source.as_ref(), &graph, 0).unwrap();
    assert_eq!(whole.shape(), [3, 7]);
    let first = [1.0, 3.0, 5.0, 13.0, 15.0, 17.0];
    let values = whole.data().to_f64();
    assert_eq!(values[..6], first);
    let verify = |graph: &Graph| {
        let error = format!("{:#}", source.verify(graph).unwrap_err());
        error.replace(path.to_str().unwrap(), "FILE")
    };
    assert_eq!(
        verify(&assembled(
            &[("steps", &[2, 3]), ("stops", &[2, 3])],
            &[2, 6]
        )),
        "FILE holds no tensor `stops`, which the model needs for `whole`; did you mean `steps`?"
    );
    assert_eq!(
        verify(&assembled(&[("steps", &[3, 2])], &[2, 3])),
        "FILE: tensor `steps` has shape [2, 3], the model needs [3, 2]"
    );
    assert_eq!(
        verify(&assembled(&[("steps", &[2, 3])], &[7])),
        "the pieces of `whole` have 6 elements, the model needs 7"
    );
    assert_eq!(
        verify(&assembled(&[("no.0", &[1]), ("no.1", &[1])], &[2])),
        "FILE holds no tensor `whole` (nor `no.0`), which the model needs as f32[2]"
    );
}

#[test]
fn a_truncated_shard_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for file in fs::read_dir(fixture("sharded")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), at(file.file_name().to_str().unwrap())).unwrap();
    }
    let shard = at("pytorch_model-00002-of-00002.bin");
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..bytes.len() / 2]).unwrap();
    let opened = Pytorch.open(folder.path().to_str().unwrap());
    let found = message(&folder, &opened.map(drop).unwrap_err());
    let start = "DIR/pytorch_model-00002-of-00002.bin: truncated, or not a zip archive: ";
    assert!(found.starts_with(start), "{found}");
    fs::remove_file(&shard).unwrap();
    let opened = Pytorch.open(folder.path().to_str().unwrap());
    assert_eq!(
        message(&folder, &opened.map(drop).unwrap_err()),
        "cannot read DIR/pytorch_model-00002-of-00002.bin: No such file or directory (os error 2)"
    );
}
