//! The file format: JSON lines, compressed with zlib.
//!
//! The first line holds the version and the tables that entries refer to by position: names, specs and
//! occasions. Each further line is one entry. Everything is in one order, so that equal registries are
//! equal bytes.
//!
//! A line that is no entry, or one that cannot be, is refused by itself, with whatever refers to a spec or an
//! occasion that is none.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{read_spec, sizes};
use super::entry::{Call, Entry, Layout, Occurrence};
use super::set::OperatorRegistry;
use crate::op::{Attrs, OpGroup, OpInstance};
use crate::plugin::{Domain, Imported, RefusedLine};
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
    /// The first line, which holds what all others refer to, is not what it should be.
    #[error("line 1: {0}")]
    Header(String),
}

impl CodecError {
    fn header(message: impl ToString) -> Self {
        CodecError::Header(message.to_string())
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
    specs: Vec<Value>,
    occasions: Vec<Value>,
}

/// The first line with what could be read of it.
struct Tables {
    names: Vec<String>,
    specs: Vec<Result<TensorSpec, String>>,
    occasions: Vec<Result<Occasion, String>>,
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

    fn json(&self) -> Vec<Value> {
        let values = self.values.iter();
        values
            .map(|value| serde_json::to_value(value).unwrap_or_default())
            .collect()
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
        specs: specs.json(),
        occasions: occasions.json(),
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

/// The registry that bytes hold, compressed or as plain JSON lines. Bad lines are refused one by one.
///
/// # Errors
/// When they hold something else, or are damaged. Nothing in them is run.
pub fn decode(bytes: &[u8]) -> Result<Imported, CodecError> {
    let text = unpack(bytes)?;
    let mut lines = text.lines().enumerate();
    let first = lines.next().map_or("", |(_, line)| line);
    let header: Header = serde_json::from_str(first).map_err(CodecError::header)?;
    if header.nongemm_registry != VERSION {
        let found = header.nongemm_registry;
        let message = format!("version {found}, this build reads version {VERSION}");
        return Err(CodecError::header(message));
    }
    let tables = Tables::read(header);
    let mut found = Imported::default();
    for (index, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        let mut op = None;
        match tables.entry(text, &mut op) {
            Ok(entry) => found.registry.add(entry.call, entry.met),
            Err(reason) => found.refused.push(RefusedLine {
                line: index + 1,
                op,
                reason,
            }),
        }
    }
    Ok(found)
}

fn unpack(bytes: &[u8]) -> Result<String, CodecError> {
    if bytes.first() == Some(&b'{') {
        let plain = std::str::from_utf8(bytes).map_err(CodecError::header)?;
        return Ok(plain.to_owned());
    }
    let mut text = String::new();
    let mut limited = ZlibDecoder::new(bytes).take(LARGEST_TEXT + 1);
    limited
        .read_to_string(&mut text)
        .map_err(CodecError::Unpack)?;
    if text.len() as u64 > LARGEST_TEXT {
        return Err(CodecError::TooLong);
    }
    Ok(text)
}

impl Tables {
    fn read(header: Header) -> Self {
        let occasion = |value: Value| serde_json::from_value(value).map_err(|e| e.to_string());
        Tables {
            names: header.names,
            specs: header.specs.iter().map(read_spec).collect(),
            occasions: header.occasions.into_iter().map(occasion).collect(),
        }
    }

    /// The entry of a line; `op` is set as soon as the operator is known.
    fn entry(&self, text: &str, op: &mut Option<String>) -> Result<Entry, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let index = value["o"].as_u64();
        *op = index.and_then(|index| self.names.get(index as usize).cloned());
        let line: Line = serde_json::from_value(value).map_err(|e| e.to_string())?;
        let inputs = line.i.iter().map(|&index| find(&self.specs, index));
        let call = Call {
            vocabulary: self.name(line.v)?,
            instance: OpInstance {
                op: self.name(line.o)?,
                attrs: line.a,
                inputs: inputs.collect::<Result<_, _>>()?,
            },
            layout: line.l,
            fused: line
                .f
                .into_iter()
                .map(|index| self.name(index))
                .collect::<Result<_, _>>()?,
            group: line.g,
        };
        sizes(&call).map_err(|e| e.to_string())?;
        let met = line.m.into_iter().map(|met| self.met(met));
        Ok(Entry {
            call,
            met: met.collect::<Result<_, _>>()?,
        })
    }

    fn name(&self, index: usize) -> Result<String, String> {
        self.names.get(index).cloned().ok_or_else(missing)
    }

    fn met(
        &self,
        (occasion, scope, parent, count): (usize, usize, Option<usize>, u64),
    ) -> Result<Occurrence, String> {
        let occasion = find(&self.occasions, occasion)?;
        Ok(Occurrence {
            model: occasion.model,
            domain: occasion.domain,
            batch: occasion.batch,
            seq: occasion.seq,
            image: occasion.image,
            scope: self.name(scope)?,
            parent: parent.map(|index| self.name(index)).transpose()?,
            count,
        })
    }
}

fn find<T: Clone>(table: &[Result<T, String>], index: usize) -> Result<T, String> {
    table.get(index).cloned().ok_or_else(missing)?
}

fn missing() -> String {
    "it refers to something that the first line does not hold".to_owned()
}
