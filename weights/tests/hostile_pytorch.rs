//! Damaged and hostile PyTorch checkpoints: an error in one line, never a panic, a crash or a large
//! allocation.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::pytorch::{MAGIC, archive, legacy_start, opened, tensor};
use common::{graph, load};
use nongemm_core::dtype::DType;
use nongemm_core::tensor::HostData;

fn refused(bytes: &[u8]) -> String {
    opened(bytes).map(drop).unwrap_err()
}

/// The message for a pickle in an archive with a storage of two numbers.
fn pickled(pickle: &[u8]) -> String {
    let two = [0; 8];
    refused(&archive(&[("data.pkl", pickle), ("data/0", &two)], false))
}

#[test]
fn a_tensor_that_is_right() {
    for zip64 in [false, true] {
        let numbers: Vec<u8> = [1f32, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let pickle = tensor(2, b"K\x00", b"K\x02\x85", b"K\x01\x85");
        let file = archive(&[("data.pkl", &pickle), ("data/0", &numbers)], zip64);
        let source = opened(&file).unwrap();
        let graph = graph(DType::F32, &[("x", &[2])]);
        let found = source.verify(&graph);
        found.unwrap();
        assert!(
            load(source.as_ref(), &graph, 0)
                .is_ok_and(|x| *x.data() == HostData::F32(vec![1.0, 2.0]))
        );
    }
}

#[test]
fn tensors_that_lie() {
    let lie = |elements, offset: &[u8], size: &[u8], stride: &[u8]| {
        pickled(&tensor(elements, offset, size, stride))
    };
    let big = b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
    let bigs = |last: &[u8]| [&big[..], last].concat();
    assert_eq!(
        lie(2, b"K\x01", b"K\x02\x85", b"K\x01\x85"),
        "tensor `x` of shape [2], strides [1] and offset 1 reaches beyond its storage of 8 bytes"
    );
    assert_eq!(
        lie(2, b"K\x00", b"K\x02\x85", b"K\x02\x85"),
        "tensor `x` of shape [2], strides [2] and offset 0 reaches beyond its storage of 8 bytes"
    );
    let beyond = "reaches beyond its storage of 8 bytes";
    assert!(lie(2, big, b"K\x02\x85", b"K\x01\x85").ends_with(beyond));
    assert!(lie(2, b"K\x00", b"K\x02\x85", &bigs(b"\x85")).ends_with(beyond));
    assert!(lie(2, b"K\x00", b"K\x03\x85", &bigs(b"\x85")).ends_with(beyond));
    assert_eq!(
        lie(2, b"K\x00", &bigs(&bigs(b"\x86")), b"K\x00K\x00\x86"),
        format!("tensor `x` of shape [{0}, {0}] is too large", i64::MAX)
    );
    assert_eq!(
        lie(9, b"K\x00", b"K\x02\x85", b"K\x01\x85"),
        "tensor `x` needs 9 elements of 4 bytes from element 0 of storage `0`, which has 8 bytes"
    );
    let data = "data.pkl: a tensor ";
    assert_eq!(
        lie(2, b"J\xff\xff\xff\xff", b"K\x02\x85", b"K\x01\x85"),
        format!("{data}whose offset is no natural number")
    );
    assert_eq!(
        lie(2, b"K\x00", b"K\x02\x85", b"K\x01K\x01\x86"),
        format!("{data}of 1 dimensions with 2 strides")
    );
    assert_eq!(
        lie(2, b"K\x00", b"NN\x86", b"K\x01K\x01\x86"),
        format!("{data}whose shape is not of natural numbers")
    );
    let many = [&b"("[..], &b"K\x01".repeat(65), b"t"].concat();
    assert!(lie(2, b"K\x00", &many, &many).contains("shape is not of natural numbers"));
}

/// A tensor may claim any shape by repeating one element; loading allocates what the model needs.
#[test]
fn a_repeated_element_is_no_allocation() {
    let size = b"\x8a\x05\x00\x00\x00\x00\x40\x85"; // 2^38
    let pickle = tensor(1, b"K\x00", size, b"K\x00\x85");
    let source = opened(&archive(
        &[("data.pkl", &pickle), ("data/0", &[0; 4])],
        false,
    ))
    .unwrap();
    let error = source
        .verify(&graph(DType::F32, &[("x", &[2])]))
        .unwrap_err();
    let found = format!("{error:#}");
    assert!(
        found.ends_with("has shape [274877906944], the model needs [2]"),
        "{found}"
    );
}

#[test]
fn pickles_that_grow() {
    let nothing = "holds no dictionary of tensors; save model.state_dict()";
    // Nested a million times; doubled a million times by reference; in a circle.
    let deep = [&b"\x80\x02)"[..], &b"\x85".repeat(1_000_000), b"."].concat();
    assert_eq!(pickled(&deep), nothing);
    let doubled = [&b"\x80\x02)"[..], &b"2\x86".repeat(1_000_000), b"."].concat();
    assert_eq!(pickled(&doubled), nothing);
    let circle = b"\x80\x02}q\x00X\x01\x00\x00\x00xh\x00s.";
    assert_eq!(pickled(circle), nothing);
    // A dictionary that is its own entry, many times.
    let wide = [
        &b"\x80\x02}q\x00("[..],
        &b"X\x01\x00\x00\x00xh\x00".repeat(200_000),
        b"u.",
    ];
    assert_eq!(pickled(&wide.concat()), nothing);
    // Copies of copies: a list of a thousand pairs, made a dictionary a hundred thousand times.
    let pairs = [
        &b"\x80\x02(("[..],
        &b"K\x01K\x02\x86".repeat(1000),
        b"l\x85q\x00",
    ]
    .concat();
    let copies = b"ccollections\nOrderedDict\nh\x00R".repeat(100_000);
    let more = "data.pkl: more than 8388608 objects are no checkpoint";
    assert_eq!(pickled(&[&pairs[..], &copies, b"."].concat()), more);
    let many = [&b"\x80\x02"[..], &b")".repeat(9_000_000), b"."].concat();
    assert_eq!(pickled(&many), more);
    // The memo's numbers are the file's choice.
    let far = b"\x80\x02)r\xff\xff\xff\xff.";
    assert_eq!(pickled(far), nothing);
}

#[test]
fn pickles_that_lie() {
    let end = |pickle: &[u8]| {
        let found = pickled(pickle);
        found
            .strip_prefix("data.pkl: ")
            .unwrap_or(&found)
            .to_owned()
    };
    assert!(end(b"").starts_with("truncated pickle: byte 0 of 0"));
    assert!(end(b"\x80\x02").starts_with("truncated pickle"));
    assert!(end(b"\x80\x02X\xff\xff\xff\xffx").starts_with("truncated pickle"));
    assert!(end(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffx").starts_with("truncated pickle"));
    assert!(end(b"\x80\x02cos").starts_with("truncated pickle: a line does not end"));
    assert_eq!(
        end(b"\x80\x02X\x01\x00\x00\x00\xff."),
        "a text of the pickle is not UTF-8"
    );
    assert_eq!(
        end(b"\x80\x02u."),
        "the pickle needs a mark where there is none"
    );
    assert_eq!(
        end(b"\x80\x02}(K\x01u."),
        "the pickle has a key without a value"
    );
    assert_eq!(
        end(b"\x80\x02K\x01K\x02a."),
        "the pickle appends to something else than a list"
    );
    assert_eq!(
        end(b"\x80\x02K\x01)R."),
        "the pickle calls something that has no name"
    );
    assert_eq!(
        end(b"\x80\x02K\x01Q."),
        "the pickle names something outside that is no storage"
    );
    let itself = b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\nq\x00(h\x00h\x00)tR.";
    assert!(pickled(itself).contains("_rebuild_from_type_v2 of something else"));
    for code in [
        "posix.system",
        "builtins.eval",
        "builtins.getattr",
        "torch.load",
        "numpy.dtype",
    ] {
        let (module, name) = code.split_once('.').unwrap();
        let pickle = format!("\u{80}\x02c{module}\n{name}\n(X\x02\0\0\0idtR.");
        let pickle: Vec<u8> = pickle.chars().map(|c| c as u8).collect();
        let found = end(&pickle);
        assert!(
            found.starts_with(&format!("names `{code}`, which is refused: ")),
            "{found}"
        );
    }
}

#[test]
fn archives_that_lie() {
    let good = tensor(2, b"K\x00", b"K\x02\x85", b"K\x01\x85");
    let without = archive(&[("data.pkl", &good)], false);
    assert_eq!(
        refused(&without),
        "tensor `x` the archive holds no entry `archive/data/0`"
    );
    let two = [0; 8];
    let entries: &[(&str, &[u8])] = &[("data.pkl", &good), ("data/0", &two), ("byteorder", b"odd")];
    assert_eq!(
        refused(&archive(entries, false)),
        "the byte order is `odd`, must be little or big"
    );
    let none = archive(&[("data/0", &two)], false);
    assert!(refused(&none).starts_with("not a PyTorch checkpoint: 0 entries"));
    let several = archive(&[("data.pkl", &good), ("b/data.pkl", &good)], false);
    assert!(refused(&several).starts_with("not a PyTorch checkpoint: 2 entries"));
    let plain = archive(&[("data.pkl", &good), ("data/0", &two)], false);
    assert!(opened(&plain).is_ok());
    let places = |signature: &[u8]| -> Vec<usize> {
        let windows = plain.windows(4).enumerate();
        windows
            .filter(|(_, w)| *w == signature)
            .map(|(at, _)| at)
            .collect()
    };
    let (local, central) = (places(b"PK\x03\x04"), places(b"PK\x01\x02"));
    assert_eq!((local.len(), central.len()), (2, 2));
    // Says that it is deflated.
    let mut compressed = plain.clone();
    compressed[local[1] + 8] = 8;
    compressed[central[1] + 10] = 8;
    let found = refused(&compressed);
    assert!(found.contains("is compressed or encrypted"), "{found}");
    // The second entry lies where the first one is.
    let mut overlapping = plain.clone();
    let first = overlapping[central[0] + 42..central[0] + 46].to_vec();
    overlapping[central[1] + 42..central[1] + 46].copy_from_slice(&first);
    let found = refused(&overlapping);
    assert!(
        found.contains("overlap") || found.contains("not a zip archive"),
        "{found}"
    );
    // Larger than the file.
    let mut large = plain.clone();
    for field in [20, 24] {
        large[central[1] + field..central[1] + field + 4]
            .copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    }
    let found = refused(&large);
    assert!(!found.is_empty(), "{found}");
}

#[test]
fn legacy_files_that_lie() {
    let start = legacy_start();
    let object = tensor(2, b"K\x00", b"K\x02\x85", b"K\x01\x85");
    let keys = b"\x80\x02]X\x01\x00\x00\x000a.";
    let with = |rest: &[u8]| [&start[..], &object, keys, rest].concat();
    let count = |n: u64| n.to_le_bytes();
    let good = with(&[&count(2)[..], &[0; 8]].concat());
    opened(&good).map(drop).unwrap();
    assert_eq!(refused(&with(b"")), "truncated before storage `0`");
    let lie = refused(&with(&count(u64::MAX)));
    assert!(
        lie.starts_with("truncated: storage `0` has 18446744073709551615 elements"),
        "{lie}"
    );
    let long = with(&[&count(2)[..], &[0; 9]].concat());
    assert_eq!(refused(&long), "1 bytes at the end belong to no storage");
    let short = with(&[&count(1)[..], &[0; 4]].concat());
    assert!(refused(&short).starts_with("tensor `x` needs 2 elements of 4 bytes"));
    assert!(refused(b"\x80\x02K\x01.").contains("a pickle without its magic number"));
    let version = [MAGIC, b"\x80\x02K\x01."].concat();
    assert_eq!(
        refused(&version),
        "not a PyTorch checkpoint of a known version: 1001 is"
    );
}
