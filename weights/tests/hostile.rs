//! Damaged and hostile files: an error that names the file, never a panic.
#![expect(clippy::unwrap_used, reason = "a helper of tests")]

mod common;

use std::fs;

use common::{folder, graph, load, open, open_error, write_raw};
use nongemm_core::dtype::DType;
use proptest::prelude::*;

/// The message for a file with this header and data, without the file's name.
fn wrong(header: &str, data: &[u8]) -> String {
    let (folder, file) = folder();
    write_raw(&file, header, data);
    let error = open_error(&folder, &file);
    error
        .strip_prefix("DIR/model.safetensors: ")
        .unwrap()
        .to_owned()
}

fn tensor(name: &str, shape: &str, from: u64, to: u64) -> String {
    format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
}

#[test]
fn too_short_for_a_header() {
    for (bytes, expected) in [
        (&b""[..], "0 bytes are too few for a safetensors file"),
        (b"abc", "3 bytes are too few for a safetensors file"),
        (
            b"\x10\0\0\0\0\0\0\0{}",
            "truncated, or not a safetensors file: a header of 16 bytes does not fit in 10 bytes",
        ),
        (
            b"PK\x03\x04 a zip archive",
            "not a safetensors file: its header would be 8800140462016121680 bytes long, at most \
             100000000 are read",
        ),
    ] {
        let (folder, file) = folder();
        fs::write(&file, bytes).unwrap();
        let found = open_error(&folder, &file);
        assert_eq!(found, format!("DIR/model.safetensors: {expected}"));
    }
}

#[test]
fn not_a_header() {
    assert!(wrong("[1, 2]", b"").starts_with("not a safetensors header: invalid type"));
    assert!(wrong("{\"a\":", b"").starts_with("not a safetensors header: EOF"));
    assert!(wrong(r#"{"a":{"dtype":"F32"}}"#, b"").contains("missing field `shape`"));
    assert!(
        wrong(
            &format!(
                "{{{},{}}}",
                tensor("a", "[]", 0, 4),
                tensor("a", "[]", 0, 4)
            ),
            &[0; 4]
        )
        .contains("tensor `a` is there twice")
    );
    let negative = r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#;
    assert!(wrong(negative, &[0; 4]).contains("invalid value"));
    let deep = format!("{{\"__metadata__\":{}", "[".repeat(100_000));
    assert!(wrong(&deep, b"").starts_with("not a safetensors header"));
    let odd_name = format!("{{{}}}", tensor(r"a\n\u001bb", "[]", 4, 0));
    assert_eq!(
        wrong(&odd_name, b""),
        r"tensor `a\n\u{1b}b` has offsets 4 to 0"
    );
}

#[test]
fn offsets_that_lie() {
    let one = |shape: &str, from, to| format!("{{{}}}", tensor("a", shape, from, to));
    let two = |first: (u64, u64), second: (u64, u64)| {
        let a = tensor("a", "[1]", first.0, first.1);
        format!("{{{a},{}}}", tensor("b", "[1]", second.0, second.1))
    };
    assert_eq!(
        wrong(&one("[2]", 0, 8), &[0; 4]),
        "truncated: tensor `a` ends at byte 8 of the data, the file holds 4"
    );
    assert_eq!(
        wrong(&one("[2]", 0, u64::MAX), &[0; 4]),
        format!(
            "truncated: tensor `a` ends at byte {} of the data, the file holds 4",
            u64::MAX
        )
    );
    assert_eq!(
        wrong(&one("[1]", 4, 0), &[0; 4]),
        "tensor `a` has offsets 4 to 0"
    );
    assert_eq!(
        wrong(&one("[3]", 0, 4), &[0; 4]),
        "tensor `a` has 4 bytes of data, f32[3] needs 12"
    );
    assert_eq!(
        wrong(&one("[4294967296, 4294967296]", 0, 4), &[0; 4]),
        "tensor `a` has 4 bytes of data, f32[4294967296, 4294967296] needs too many"
    );
    assert_eq!(
        wrong(&two((0, 4), (0, 4)), &[0; 4]),
        "tensors `a` and `b` overlap"
    );
    assert_eq!(
        wrong(&two((0, 4), (2, 6)), &[0; 6]),
        "tensors `a` and `b` overlap"
    );
    assert_eq!(
        wrong(&two((0, 4), (6, 10)), &[0; 10]),
        "2 bytes before tensor `b` belong to no tensor"
    );
    assert_eq!(
        wrong(&one("[1]", 0, 4), &[0; 9]),
        "5 bytes at the end belong to no tensor"
    );
}

#[test]
fn an_index_cannot_leave_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    for shard in [
        "../x.safetensors",
        "/etc/passwd",
        "a/../../x",
        "",
        ".",
        "./x",
    ] {
        fs::write(&index, format!(r#"{{"weight_map": {{"a": "{shard}"}}}}"#)).unwrap();
        assert_eq!(
            open_error(&folder, &index),
            format!(
                "DIR/model.safetensors.index.json names the shard `{shard}`, \
                 which is not in its folder"
            )
        );
    }
    for text in ["", "[]", r#"{"weight_map": 3}"#, r#"{"metadata": {}}"#] {
        fs::write(&index, text).unwrap();
        let error = open_error(&folder, &index);
        let start = "DIR/model.safetensors.index.json is not an index of safetensors files: ";
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn what_is_not_a_file() {
    let (folder, file) = folder();
    fs::create_dir(&file).unwrap();
    assert_eq!(
        open_error(&folder, folder.path()),
        "DIR/model.safetensors is not a file"
    );
}

proptest! {
    // The failing input is printed; nothing is written into the source tree.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (_folder, file) = folder();
        fs::write(&file, &bytes).unwrap();
        let _ = open(&file);
        let index = file.with_file_name("model.safetensors.index.json");
        fs::write(&index, &bytes).unwrap();
        let _ = open(&index);
    }

    #[test]
    fn random_headers_never_panic(header in "[\\[\\]{}\":,0-9a-zF]{0,80}", data in 0usize..64) {
        let (_folder, file) = folder();
        write_raw(&file, &header, &vec![0; data]);
        let _ = open(&file);
    }

    #[test]
    fn random_tensors_never_panic(
        shape in proptest::collection::vec(prop_oneof![0u64..5, any::<u64>()], 0..4),
        dtype in prop_oneof![Just("F32"), Just("BOOL"), Just("F4"), Just("F64"), Just("?")],
        from in prop_oneof![0u64..20, any::<u64>()],
        to in prop_oneof![0u64..20, any::<u64>()],
        data in 0usize..20,
    ) {
        let (_folder, file) = folder();
        let header =
            format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{from},{to}]}}}}"#);
        write_raw(&file, &header, &vec![0; data]);
        if let Ok(source) = open(&file) {
            let shape: Vec<usize> = shape.iter().map(|&dim| dim as usize).collect();
            let _ = load(source.as_ref(), &graph(DType::F32, &[("a", shape.as_slice())]), 0);
        }
    }

    #[test]
    fn a_damaged_file_never_panics(at in 0usize..80, byte in any::<u8>(), cut in 0usize..100) {
        let (_folder, file) = folder();
        common::write(&file, &[common::f32_tensor("a", &[2], &[1.0, 2.0])]);
        let mut bytes = fs::read(&file).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len().saturating_sub(cut));
        fs::write(&file, bytes).unwrap();
        if let Ok(source) = open(&file) {
            let _ = load(source.as_ref(), &graph(DType::F32, &[("a", &[2])]), 0);
        }
    }
}
