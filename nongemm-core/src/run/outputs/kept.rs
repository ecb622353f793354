//! Outputs of a run in a file: of each its name and spec, a line of JSON, then its elements. Written and
//! read piece by piece, since outputs may be as large as the model.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::Context;

use crate::shape::TensorSpec;
use crate::tensor::{HostData, HostTensor};

/// Writes outputs into a file.
pub(super) struct Writer(BufWriter<File>);

impl Writer {
    /// Makes the file and the folder that it is in.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        Ok(Writer(BufWriter::new(File::create(path)?)))
    }

    pub(super) fn add(&mut self, name: &str, tensor: &HostTensor) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.0, &(name, tensor.spec()))?;
        self.0.write_all(b"\n")?;
        Ok(self.0.write_all(tensor.data().as_bytes())?)
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

/// An output in a file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) spec: TensorSpec,
    /// Where its elements start.
    start: u64,
    /// How many bytes they take.
    bytes: u64,
}

/// A file of outputs.
#[derive(Debug)]
pub(super) struct Kept {
    file: BufReader<File>,
    entries: Vec<Entry>,
}

impl Kept {
    /// Reads what is in a file, without the elements.
    ///
    /// # Errors
    /// When it is cut short or is no such file.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut file = BufReader::new(file);
        let (mut entries, mut at) = (Vec::new(), 0);
        while at < length {
            let mut line = String::new();
            at += file.read_line(&mut line)? as u64;
            let (name, spec): (String, TensorSpec) = serde_json::from_str(&line)?;
            let bytes = spec.shape.elements().context("a shape is not known")?;
            let bytes = bytes.checked_mul(spec.dtype.size());
            let bytes = bytes.context("a shape is absurd")? as u64;
            let start = at;
            at = at.saturating_add(bytes);
            anyhow::ensure!(at <= length, "{name} is cut short");
            file.seek(SeekFrom::Start(at))?;
            entries.push(Entry {
                name,
                spec,
                start,
                bytes,
            });
        }
        Ok(Kept { file, entries })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Gives the elements of an output, at most `count` at a time.
    pub(super) fn pieces(
        &mut self,
        index: usize,
        count: usize,
        take: &mut dyn FnMut(HostData),
    ) -> anyhow::Result<()> {
        let entry = &self.entries[index];
        self.file.seek(SeekFrom::Start(entry.start))?;
        let mut elements = (&mut self.file).take(entry.bytes);
        let mut piece = vec![0; count * entry.spec.dtype.size()];
        loop {
            let filled = read_up_to(&mut elements, &mut piece)?;
            if filled == 0 {
                return Ok(());
            }
            take(HostData::from_bytes(entry.spec.dtype, &piece[..filled]));
        }
    }
}

/// Fills a buffer as far as there is something to read.
fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> anyhow::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(outputs: &[(&str, HostTensor)], path: &Path) -> Kept {
        let mut writer = Writer::create(path).unwrap();
        for (name, tensor) in outputs {
            writer.add(name, tensor).unwrap();
        }
        writer.finish().unwrap();
        Kept::open(path).unwrap()
    }

    fn tensor(data: HostData) -> HostTensor {
        HostTensor::new([data.len()], data).unwrap()
    }

    #[test]
    fn outputs_survive_the_file_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let outputs = [
            (
                "x",
                tensor(HostData::F32(vec![1.5, f32::MIN_POSITIVE, 0.0])),
            ),
            ("none", tensor(HostData::F32(Vec::new()))),
            ("n", tensor(HostData::I64(vec![-1]))),
        ];
        let mut kept = kept(&outputs, &folder.path().join("new").join("outputs"));
        let names: Vec<&str> = kept.entries().iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["x", "none", "n"]);
        // Not in the order of the file.
        for index in [2, 0, 1] {
            assert_eq!(kept.entries()[index].spec, outputs[index].1.spec());
            let mut pieces = Vec::new();
            kept.pieces(index, 2, &mut |piece| pieces.push(piece))
                .unwrap();
            let whole = outputs[index].1.data().to_f64();
            let expected: Vec<Vec<f64>> = whole.chunks(2).map(<[f64]>::to_vec).collect();
            let found: Vec<Vec<f64>> = pieces.iter().map(HostData::to_f64).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_file_that_is_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outputs");
        kept(&[("x", tensor(HostData::F32(vec![1.0, 2.0])))], &path);
        let whole = fs::read(&path).unwrap();
        for length in 1..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(Kept::open(&path).is_err(), "{length}");
        }
        let absurd = r#"["x",{"dtype":"f32","shape":[9223372036854775807]}]"#;
        fs::write(&path, format!("{absurd}\n")).unwrap();
        assert!(Kept::open(&path).is_err());
    }
}
