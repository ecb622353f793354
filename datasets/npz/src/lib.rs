//! Arrays from `.npz` files, as `numpy.savez` writes them.
//!
//! Files come from users: what a header says is checked before memory is taken, and no more is unpacked than
//! it says. Errors of an array are without its name, so that callers can say what it is to them: "is
//! missing", "is damaged: ...".

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};
use zip::ZipArchive;
use zip::result::ZipError;

/// The type of an array's elements, all little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its own name")]
pub enum Element {
    F64,
    F32,
    F16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Element {
    /// Bytes of one element.
    pub const fn size(self) -> u64 {
        match self {
            Element::F64 | Element::I64 | Element::U64 => 8,
            Element::F32 | Element::I32 | Element::U32 => 4,
            Element::F16 | Element::I16 | Element::U16 => 2,
            Element::I8 | Element::U8 | Element::Bool => 1,
        }
    }

    fn of(ty: &TypeStr) -> Option<Element> {
        if ty.endianness() == Endianness::Big {
            return None;
        }
        Some(match (ty.type_char(), ty.size_field()) {
            (TypeChar::Float, 8) => Element::F64,
            (TypeChar::Float, 4) => Element::F32,
            (TypeChar::Float, 2) => Element::F16,
            (TypeChar::Int, 8) => Element::I64,
            (TypeChar::Int, 4) => Element::I32,
            (TypeChar::Int, 2) => Element::I16,
            (TypeChar::Int, 1) => Element::I8,
            (TypeChar::Uint, 8) => Element::U64,
            (TypeChar::Uint, 4) => Element::U32,
            (TypeChar::Uint, 2) => Element::U16,
            (TypeChar::Uint, 1) => Element::U8,
            (TypeChar::Bool, 1) => Element::Bool,
            _ => return None,
        })
    }
}

/// What an array says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The type as NumPy writes it (`<f4`).
    pub descr: String,
    /// The type, if it is one that can be read.
    pub element: Option<Element>,
    /// The sizes of the dimensions.
    pub shape: Vec<u64>,
}

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The type of its elements.
    pub element: Element,
    /// The sizes of the dimensions.
    pub shape: Vec<u64>,
    /// The elements in the order of their indices, little-endian.
    pub bytes: Vec<u8>,
}

/// An opened file.
pub struct Archive {
    path: PathBuf,
    zip: ZipArchive<File>,
}

impl Archive {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read or is no archive; one line that names it.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let info = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
        // Before opening: to open a pipe would wait for a writer.
        ensure!(info.is_file(), "{shown} is not a file");
        let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
        let zip = ZipArchive::new(file).map_err(|e| anyhow!("{shown} is no .npz file: {e}"))?;
        Ok(Archive {
            path: path.to_owned(),
            zip,
        })
    }

    /// The names of its arrays; names of other files keep their ending.
    ///
    /// # Errors
    /// When the file is damaged; one line that names it.
    pub fn names(&self) -> Result<Vec<String>> {
        let names = self.zip.file_names();
        let name = |name: std::borrow::Cow<'_, str>| {
            name.strip_suffix(".npy")
                .map_or_else(|| name.to_string(), str::to_owned)
        };
        let names: Result<Vec<String>, ZipError> = names.map(|read| read.map(name)).collect();
        names.map_err(|e| anyhow!("{} is damaged: {e}", self.path.display()))
    }

    /// Reads one array. `check` may refuse it before its elements are read; `left` are the bytes that may be
    /// taken, and are taken from.
    ///
    /// # Errors
    /// When it is missing, damaged, too large or refused; without its name.
    pub fn array(
        &mut self,
        name: &str,
        left: &mut u64,
        check: impl FnOnce(&Header) -> Result<()>,
    ) -> Result<Array> {
        let mut file = self
            .zip
            .by_name(&format!("{name}.npy"))
            .map_err(|error| match error {
                ZipError::FileNotFound => anyhow!("is missing"),
                error => anyhow!("cannot be read: {error}"),
            })?;
        let read = NpyHeader::from_reader(&mut file).map_err(|error| not_an_array(&error))?;
        let header = header(&read)?;
        check(&header)?;
        let element = header
            .element
            .with_context(|| format!("has elements of the type {}", header.descr))?;
        ensure!(
            read.order() == Order::C || header.shape.len() < 2,
            "is stored column by column; store numpy.ascontiguousarray of it"
        );
        let count = header
            .shape
            .iter()
            .try_fold(1u64, |n, &size| n.checked_mul(size));
        let length = count.and_then(|count| count.checked_mul(element.size()));
        let length = length.filter(|length| *length <= *left);
        let length = length
            .with_context(|| format!("of shape {:?} does not fit into memory", header.shape))?;
        *left -= length;
        let mut bytes = Vec::new();
        // No more than the header says, whatever the archive unpacks to.
        file.take(length + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| anyhow!("is damaged: {error}"))?;
        ensure!(
            bytes.len() as u64 == length,
            "has {} bytes instead of {length}",
            bytes.len()
        );
        Ok(Array {
            element,
            shape: header.shape,
            bytes,
        })
    }
}

fn header(read: &NpyHeader) -> Result<Header> {
    let DType::Plain(ty) = read.dtype() else {
        bail!("has elements of several parts");
    };
    Ok(Header {
        descr: read.dtype().descr(),
        element: Element::of(&ty),
        shape: read.shape().to_vec(),
    })
}

/// The parser's reason has several lines, which show where.
fn not_an_array(error: &std::io::Error) -> anyhow::Error {
    let reason = error.to_string();
    let first = reason.lines().next().unwrap_or_default();
    anyhow!(
        "is no array of NumPy: {}",
        first.trim_end_matches(&[' ', '-', '>', ':'][..])
    )
}
