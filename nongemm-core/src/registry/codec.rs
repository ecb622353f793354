//! The file format: JSON lines, compressed with zlib.
//!
//! The first line holds the version and the tables that entries refer to by position: names, specs and
//! occasions. Each further line is one entry. Everything is in one order, so that equal registries are
//! equal bytes.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::check::{Refused, sizes};
use super::entry::{Call, Entry, Layout, Occurrence};
use super::set::OperatorRegistry;
use crate::op::{Attrs, OpGroup, OpInstance};
use crate::plugin::Domain;
use crate::shape::TensorSpec;

/// The version that this build writes and reads.
const VERSION: u32 = 1;

/// The largest text that a file may unpack to.
const LARGEST_TEXT: u64 = 1 << 30;

/// Why bytes are no registry.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The compression is damaged.
    #[error("it cannot be unpacked: {0}")]
    Unpack(std::io::Error),
    /// It unpacks to more than any registry holds.
    #[error("it unpacks to more than 1 GiB")]
    TooLong,
    /// A line is not what it should be.
    #[error("line {line}: {message}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl CodecError {
    fn line(line: usize, message: impl ToString) -> Self {
        CodecError::Line {
            line,
            message: message.to_string(),
        }
    }
}

/// Where a model was met: what many occurrences share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Occasion {
    model: String,
    domain: Domain,
    batch: Option<usize>,
    seq: Option<usize>,
    image: Option<usize>,
}

impl Occasion {
    fn of(met: &Occurrence) -> Self {
        Occasion {
            model: met.model.clone(),
            domain: met.domain,
            batch: met.batch,
            seq: met.seq,
            image: met.image,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    nongemm_registry: u32,
    names: Vec<String>,
    specs: Vec<TensorSpec>,
    occasions: Vec<Occasion>,
}

/// One entry. An occurrence is its occasion, scope, parent and count.
#[derive(Serialize, Deserialize)]
struct Line {
    v: usize,
    o: usize,
    g: OpGroup,
    #[serde(default, skip_serializing_if = "Attrs::is_empty")]
    a: Attrs,
    i: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l: Option<Layout>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    f: Vec<usize>,
    m: Vec<(usize, usize, Option<usize>, u64)>,
}

/// Values by position, and back.
struct Table<T> {
    positions: BTreeMap<String, usize>,
    values: Vec<T>,
}

impl<T: Clone + Serialize> Table<T> {
    fn new() -> Self {
        Table {
            positions: BTreeMap::new(),
            values: Vec::new(),
        }
    }

    fn position(&mut self, value: &T) -> usize {
        let key = serde_json::to_string(value).unwrap_or_default();
        *self.positions.entry(key).or_insert_with(|| {
            self.values.push(value.clone());
            self.values.len() - 1
        })
    }
}

/// The bytes of a registry.
pub fn encode(registry: &OperatorRegistry) -> Vec<u8> {
    let mut names = Table::<String>::new();
    let mut specs = Table::<TensorSpec>::new();
    let mut occasions = Table::<Occasion>::new();
    let lines: Vec<Line> = registry
        .iter()
        .map(|entry| line(entry, &mut names, &mut specs, &mut occasions))
        .collect();
    let header = Header {
        nongemm_registry: VERSION,
        names: names.values,
        specs: specs.values,
        occasions: occasions.values,
    };
    let mut text = serde_json::to_string(&header).unwrap_or_default();
    for line in lines {
        text.push('\n');
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
    }
    text.push('\n');
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = packed.write_all(text.as_bytes());
    packed.finish().unwrap_or_default()
}

fn line(
    entry: &Entry,
    names: &mut Table<String>,
    specs: &mut Table<TensorSpec>,
    occasions: &mut Table<Occasion>,
) -> Line {
    let call = &entry.call;
    Line {
        v: names.position(&call.vocabulary),
        o: names.position(&call.instance.op),
        g: call.group,
        a: call.instance.attrs.clone(),
        i: entry
            .inputs()
            .iter()
            .map(|spec| specs.position(spec))
            .collect(),
        l: call.layout.clone(),
        f: call.fused.iter().map(|name| names.position(name)).collect(),
        m: entry
            .met
            .iter()
            .map(|met| {
                let parent = met.parent.as_ref().map(|name| names.position(name));
                let occasion = occasions.position(&Occasion::of(met));
                (occasion, names.position(&met.scope), parent, met.count)
            })
            .collect(),
    }
}

/// The registry that bytes hold, compressed or as plain JSON lines.
///
/// # Errors
/// When they hold something else, or are damaged. Nothing in them is run.
pub fn decode(bytes: &[u8]) -> Result<OperatorRegistry, CodecError> {
    let mut text = String::new();
    if bytes.first() == Some(&b'{') {
        let plain = std::str::from_utf8(bytes).map_err(|e| CodecError::line(1, e))?;
        text.push_str(plain);
    } else {
        let mut limited = ZlibDecoder::new(bytes).take(LARGEST_TEXT + 1);
        limited
            .read_to_string(&mut text)
            .map_err(CodecError::Unpack)?;
        if text.len() as u64 > LARGEST_TEXT {
            return Err(CodecError::TooLong);
        }
    }
    let mut lines = text.lines().enumerate();
    let first = lines.next().map_or("", |(_, line)| line);
    let header: Header = serde_json::from_str(first).map_err(|e| CodecError::line(1, e))?;
    if header.nongemm_registry != VERSION {
        let found = header.nongemm_registry;
        let message = format!("version {found}, this build reads version {VERSION}");
        return Err(CodecError::line(1, message));
    }
    let mut registry = OperatorRegistry::new();
    for (index, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        let number = index + 1;
        let line: Line = serde_json::from_str(text).map_err(|e| CodecError::line(number, e))?;
        let entry = header.entry(line).ok_or_else(|| {
            CodecError::line(
                number,
                "it refers to something that the first line does not hold",
            )
        })?;
        sizes(&entry.call).map_err(|e: Refused| CodecError::line(number, e))?;
        registry.add(entry.call, entry.met);
    }
    Ok(registry)
}

impl Header {
    fn entry(&self, line: Line) -> Option<Entry> {
        let name = |index: usize| self.names.get(index).cloned();
        let met = |(occasion, scope, parent, count): (usize, usize, Option<usize>, u64)| {
            let occasion = self.occasions.get(occasion)?.clone();
            let parent = match parent {
                Some(index) => Some(name(index)?),
                None => None,
            };
            Some(Occurrence {
                model: occasion.model,
                domain: occasion.domain,
                batch: occasion.batch,
                seq: occasion.seq,
                image: occasion.image,
                scope: name(scope)?,
                parent,
                count,
            })
        };
        let inputs = line.i.iter().map(|&index| self.specs.get(index).cloned());
        Some(Entry {
            call: Call {
                vocabulary: name(line.v)?,
                instance: OpInstance {
                    op: name(line.o)?,
                    attrs: line.a,
                    inputs: inputs.collect::<Option<_>>()?,
                },
                layout: line.l,
                fused: line.f.into_iter().map(name).collect::<Option<_>>()?,
                group: line.g,
            },
            met: line.m.into_iter().map(met).collect::<Option<_>>()?,
        })
    }
}
