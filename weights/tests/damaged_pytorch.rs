//! PyTorch checkpoints cut, damaged or random: whatever is said, nothing panics.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::pytorch::{archive, legacy_start, opened, tensor};
use common::{graph, load};
use nongemm_core::dtype::DType;
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    Path::new(folder).join(name)
}

/// Opens, and reads a tensor if that works.
fn survive(bytes: &[u8]) {
    if let Ok(source) = opened(bytes) {
        for (name, shape) in [("f32", &[4, 6][..]), ("transposed", &[6, 4])] {
            let graph = graph(DType::F32, &[(name, shape)]);
            if source.verify(&graph).is_ok() {
                let _ = load(source.as_ref(), &graph, 0);
            }
        }
    }
}

/// Files of PyTorch, cut and damaged all over.
#[test]
fn damaged_files_never_panic() {
    for name in ["zip.pth", "legacy.pth", "protocol5.bin"] {
        let bytes = fs::read(fixture(name)).unwrap();
        for at in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[at] ^= if at % 2 == 0 { 0xff } else { 1 };
            survive(&damaged);
            if at % 6 == 0 {
                survive(&bytes[..at]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_pickles_never_panic(
        body in proptest::collection::vec(
            prop_oneof![
                any::<u8>(),
                proptest::sample::select(&b"(012qhcRbQJKMNX]})tl\x85\x86\x87ausde.\x81\x88\x89\x8a\x8c\x93\x94"[..]),
                0u8..4,
            ],
            0..200,
        )
    ) {
        let pickle = [&b"\x80\x04"[..], &body].concat();
        survive(&archive(&[("data.pkl", &pickle), ("data/0", &[0; 8])], false));
        survive(&[&legacy_start()[..], &pickle, b"\x80\x02]."].concat());
    }

    #[test]
    fn random_tensors_never_panic(
        elements in 0u8..4,
        offset in prop_oneof![0u64..4, any::<u64>()],
        size in prop_oneof![0u64..4, any::<u64>()],
        stride in prop_oneof![0u64..4, any::<u64>()],
    ) {
        let number = |x: u64| [&b"\x8a\x09"[..], &x.to_le_bytes(), b"\x00"].concat();
        let one = |x: u64| [&number(x)[..], b"\x85"].concat();
        let pickle = tensor(elements, &number(offset), &one(size), &one(stride));
        let file = archive(&[("data.pkl", &pickle), ("data/0", &[0; 8])], false);
        if let Ok(source) = opened(&file) {
            let size = usize::try_from(size).unwrap();
            // What repeats an element may be of any size; what does not is as large as its storage.
            prop_assert!(size <= 2 || stride == 0);
            if size <= 1 << 20 {
                let graph = graph(DType::F32, &[("x", &[size])]);
                prop_assert!(load(source.as_ref(), &graph, 0).is_ok());
            }
        }
    }
}
