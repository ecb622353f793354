//! Checkpoints that are as they should be, and what is said where they do not fit the model.

mod common;

use std::fs;

use common::{f32_tensor, folder, graph, load, message, open, open_error, write, write_raw};
use half::{bf16, f16};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{GraphBuilder, Init};
use nongemm_core::plugin::{Claim, WeightFormat};
use nongemm_core::tensor::HostData;
use nongemm_weights::Safetensors;
use safetensors::tensor::Dtype;

#[test]
fn claims_paths() {
    let (folder, file) = folder();
    let claim = |location: &str| Safetensors.claim(location);
    let here = folder.path().to_str().unwrap();
    assert_eq!(claim(here), Claim::Fallback, "nothing in it yet");
    write(&file, &[]);
    assert_eq!(claim(here), Claim::Sure);
    assert_eq!(claim(file.to_str().unwrap()), Claim::Sure);
    let blob = folder.path().join("0123abcd");
    fs::copy(&file, &blob).unwrap();
    assert_eq!(claim(blob.to_str().unwrap()), Claim::Able);
    let other = folder.path().join("model.bin");
    fs::write(&other, b"").unwrap();
    assert_eq!(claim(other.to_str().unwrap()), Claim::No);
    assert_eq!(claim("not/there.safetensors"), Claim::Sure);
    assert_eq!(claim("./model.safetensors.index.json"), Claim::Sure);
    assert_eq!(claim("not/there"), Claim::Fallback);
    for location in [
        "synthetic",
        "synthetic:1",
        "hf:openai-community/gpt2",
        "https://x/y",
    ] {
        assert_eq!(claim(location), Claim::No, "{location}");
    }
}

#[test]
fn reads_a_file_or_its_folder() {
    let (folder, file) = folder();
    write(
        &file,
        &[
            f32_tensor("b", &[2], &[7.0, 8.0]),
            f32_tensor("a", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
            ("extra", Dtype::I64, vec![1], vec![0; 8]),
            ("odd", Dtype::F8_E4M3, vec![3], vec![0; 3]),
        ],
    );
    let graph = graph(DType::F32, &[("a", &[2, 2]), ("b", &[2])]);
    for location in [file.as_path(), folder.path()] {
        let source = open(location).unwrap();
        source.verify(&graph).unwrap();
        let a = load(source.as_ref(), &graph, 0).unwrap();
        assert_eq!(a.shape(), [2, 2]);
        assert_eq!(a.data(), &HostData::F32(vec![1.0, 2.0, 3.0, 4.0]));
        let b = load(source.as_ref(), &graph, 1).unwrap();
        assert_eq!(b.data(), &HostData::F32(vec![7.0, 8.0]));
    }
}

#[test]
fn converts_between_floating_point_types() {
    let values = [1.0f32, -2.5, 1.0 / 3.0];
    let (_folder, file) = folder();
    let half = |to_bits: fn(f32) -> u16| -> Vec<u8> {
        values
            .iter()
            .flat_map(|&x| to_bits(x).to_le_bytes())
            .collect()
    };
    write(
        &file,
        &[
            f32_tensor("f32", &[3], &values),
            (
                "f16",
                Dtype::F16,
                vec![3],
                half(|x| f16::from_f32(x).to_bits()),
            ),
            (
                "bf16",
                Dtype::BF16,
                vec![3],
                half(|x| bf16::from_f32(x).to_bits()),
            ),
        ],
    );
    let source = open(&file).unwrap();
    let stored: &[(&str, &[usize])] = &[("f32", &[3]), ("f16", &[3]), ("bf16", &[3])];
    for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
        let graph = graph(dtype, stored);
        source.verify(&graph).unwrap();
        for index in 0..stored.len() {
            let tensor = load(source.as_ref(), &graph, index).unwrap();
            assert_eq!(tensor.dtype(), dtype);
            for (found, value) in tensor.data().to_f64().iter().zip(values) {
                let value = f64::from(value);
                assert!(
                    (found - value).abs() <= value.abs() / 128.0,
                    "{found} for {value}"
                );
            }
        }
    }
    // The same type is copied bit by bit.
    let graph = graph(DType::F16, stored);
    let same = load(source.as_ref(), &graph, 1).unwrap();
    assert_eq!(
        same.data(),
        &HostData::F16(values.map(f16::from_f32).to_vec())
    );
}

#[test]
fn finds_tied_weights_by_alias() {
    let (folder, file) = folder();
    write(&file, &[f32_tensor("wte.weight", &[1], &[4.0])]);
    let mut builder = GraphBuilder::new(DType::F32);
    let weight = builder
        .param("lm_head.weight", [1], Init::std(1.0))
        .unwrap();
    builder.alias(weight, "wte.weight");
    let lost = builder.param("lost.weight", [1], Init::std(1.0)).unwrap();
    builder.alias(lost, "mislaid");
    let graph = builder.finish();
    let source = open(&file).unwrap();
    let found = load(source.as_ref(), &graph, 0).unwrap();
    assert_eq!(found.data(), &HostData::F32(vec![4.0]));
    assert_eq!(
        message(&folder, &source.verify(&graph).unwrap_err()),
        "DIR/model.safetensors holds no tensor `lost.weight` (nor `mislaid`), \
         which the model needs as f32[1]; did you mean `wte.weight`?"
    );
}

#[test]
fn reads_shards_through_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("one.safetensors"), &[f32_tensor("a", &[1], &[1.0])]);
    write(&at("two.safetensors"), &[f32_tensor("b", &[1], &[2.0])]);
    let index = at("model.safetensors.index.json");
    let text = r#"{"metadata": {"total_size": 8},
        "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#;
    fs::write(&index, text).unwrap();
    let graph = graph(DType::F32, &[("a", &[1]), ("b", &[1])]);
    for location in [folder.path(), index.as_path()] {
        let source = open(location).unwrap();
        source.verify(&graph).unwrap();
        let b = load(source.as_ref(), &graph, 1).unwrap();
        assert_eq!(b.data(), &HostData::F32(vec![2.0]));
    }
}

#[test]
fn the_description_tells_checkpoints_apart() {
    let describe = |values: &[f32]| {
        let (_folder, file) = folder();
        write(&file, &[f32_tensor("a", &[values.len()], values)]);
        open(&file).unwrap().describe()
    };
    let one = describe(&[1.0, 2.0]);
    assert_eq!(one, describe(&[1.0, 2.0]));
    assert_ne!(one, describe(&[1.0, 3.0]));
    let parts: Vec<&str> = one.split(':').collect();
    assert_eq!(parts[..2], ["safetensors", "model.safetensors"]);
    assert_eq!(parts[3].len(), 16);
}

#[test]
fn what_does_not_fit_is_named() {
    let (folder, file) = folder();
    write(
        &file,
        &[
            f32_tensor("encoder.weight", &[2, 3], &[0.0; 6]),
            ("ids", Dtype::I64, vec![1], vec![0; 8]),
            ("tiny", Dtype::F8_E5M2, vec![1], vec![0]),
        ],
    );
    let source = open(&file).unwrap();
    let verify = |params: &[(&str, &[usize])]| {
        let graph = graph(DType::F32, params);
        let verified = message(&folder, &source.verify(&graph).unwrap_err());
        let loaded = message(&folder, &load(source.as_ref(), &graph, 0).unwrap_err());
        assert!(verified.starts_with(&loaded), "{verified} / {loaded}");
        verified
    };
    assert_eq!(
        verify(&[("encoder.weight", &[3, 2])]),
        "DIR/model.safetensors: tensor `encoder.weight` has shape [2, 3], the model needs [3, 2]"
    );
    assert_eq!(
        verify(&[("encoder.wieght", &[2, 3])]),
        "DIR/model.safetensors holds no tensor `encoder.wieght`, \
         which the model needs as f32[2, 3]; did you mean `encoder.weight`?"
    );
    assert_eq!(
        verify(&[("ids", &[1]), ("zzz", &[1])]),
        "DIR/model.safetensors: tensor `ids` is i64, which cannot become the f32 that the model \
         needs (and 1 more parameter does not fit)"
    );
    assert_eq!(
        verify(&[("tiny", &[1]), ("y", &[1]), ("z", &[1])]),
        "DIR/model.safetensors: tensor `tiny` is f8_e5m2, which cannot become the f32 that the \
         model needs (and 2 more parameters do not fit)"
    );
}

#[test]
fn a_missing_file_or_shard_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert_eq!(
        open_error(&folder, &at("no.safetensors")),
        "cannot read weights DIR/no.safetensors: No such file or directory (os error 2)"
    );
    assert_eq!(
        open_error(&folder, folder.path()),
        "DIR holds none of model.safetensors, model.safetensors.index.json, pytorch_model.bin, \
         pytorch_model.bin.index.json; name the file itself if it is called otherwise"
    );
    let index = at("model.safetensors.index.json");
    fs::write(&index, r#"{"weight_map": {"a": "one.safetensors"}}"#).unwrap();
    assert_eq!(
        open_error(&folder, &index),
        "cannot read DIR/one.safetensors: No such file or directory (os error 2)"
    );
    write(&at("one.safetensors"), &[f32_tensor("b", &[1], &[1.0])]);
    assert_eq!(
        open_error(&folder, &index),
        "DIR/one.safetensors holds no tensor `a`, which DIR/model.safetensors.index.json says it does"
    );
}

#[test]
fn a_file_that_changes_is_an_error() {
    let (folder, file) = folder();
    write(&file, &[f32_tensor("a", &[4096], &[1.0; 4096])]);
    let source = open(&file).unwrap();
    let graph = graph(DType::F32, &[("a", &[4096])]);
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(100)
        .unwrap();
    assert_eq!(
        message(&folder, &load(source.as_ref(), &graph, 0).unwrap_err()),
        "DIR/model.safetensors has changed since it was opened"
    );
}

#[test]
fn loading_holds_one_copy() {
    const MIB: usize = 1 << 20;
    let peak = || -> usize {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.map_or(0, |l| {
            l.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
        })
    };
    let (_folder, file) = folder();
    let (count, bytes) = (48 * MIB, 192 * MIB);
    let header =
        format!(r#"{{"a":{{"dtype":"F32","shape":[{count}],"data_offsets":[0,{bytes}]}}}}"#);
    write_raw(&file, &header, &[]);
    // The data are a hole in the file: nothing to write, but to be read like any other.
    let end = 8 + header.len() + bytes;
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(end as u64)
        .unwrap();
    let source = open(&file).unwrap();
    let before = peak();
    let tensor = load(source.as_ref(), &graph(DType::F32, &[("a", &[count])]), 0).unwrap();
    let grown = peak() - before;
    assert_eq!(tensor.data().len(), count);
    assert!(
        grown < bytes + 40 * MIB,
        "{} MiB for {} MiB",
        grown / MIB,
        bytes / MIB
    );
}
