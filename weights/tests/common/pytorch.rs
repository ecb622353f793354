//! PyTorch checkpoints that are made byte by byte.

use std::fs;
use std::io::{Cursor, Write};

use nongemm_core::plugin::{WeightFormat, WeightSource};
use nongemm_weights::Pytorch;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// What comes before the object in a legacy file.
pub(crate) fn legacy_start() -> Vec<u8> {
    [MAGIC, b"\x80\x02M\xe9\x03.", b"\x80\x02}."].concat()
}

/// An archive of entries in a folder, stored.
pub(crate) fn archive(entries: &[(&str, &[u8])], zip64: bool) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(zip64);
    for (name, bytes) in entries {
        writer
            .start_file(format!("archive/{name}"), options)
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Opens bytes as a file; the message without the file's name.
pub(crate) fn opened(bytes: &[u8]) -> Result<Box<dyn WeightSource>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    fs::write(&file, bytes).unwrap();
    Pytorch.open(file.to_str().unwrap()).map_err(|error| {
        let text = format!("{error:#}");
        assert!(!text.contains('\n'), "more than one line: {text}");
        assert!(text.len() < 1000, "a long line: {text}");
        text.replace(&format!("{}: ", file.display()), "")
    })
}

/// `{"x": tensor}`: a tensor of a storage with `elements` numbers, described by these instructions.
pub(crate) fn tensor(elements: u8, offset: &[u8], size: &[u8], stride: &[u8]) -> Vec<u8> {
    [
        &b"\x80\x02}X\x01\x00\x00\x00xctorch._utils\n_rebuild_tensor_v2\n(("[..],
        b"X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK",
        &[elements],
        b"tQ",
        offset,
        size,
        stride,
        b"\x89}tRs.",
    ]
    .concat()
}
