//! Arrays from `.npz` files, as `numpy.savez` writes them.
//!
//! Files come from users: what a header says is checked before memory is taken, and no more is unpacked than
//! it says. Errors of an array are without its name, so that callers can say what it is to them: "is
//! missing", "is damaged: ...".

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nongemm_core::dtype::DType;
use npyz::{Endianness, NpyHeader, Order, TypeChar, TypeStr};
use zip::ZipArchive;
use zip::result::ZipError;

/// The type of an array's elements, if it is one that can be read: little-endian, and known here.
fn element(ty: &TypeStr) -> Option<DType> {
    if ty.endianness() == Endianness::Big {
        return None;
    }
    Some(match (ty.type_char(), ty.size_field()) {
        (TypeChar::Float, 8) => DType::F64,
        (TypeChar::Float, 4) => DType::F32,
        (TypeChar::Float, 2) => DType::F16,
        (TypeChar::Int, 8) => DType::I64,
        (TypeChar::Int, 4) => DType::I32,
        (TypeChar::Int, 2) => DType::I16,
        (TypeChar::Int, 1) => DType::I8,
        (TypeChar::Uint, 8) => DType::U64,
        (TypeChar::Uint, 4) => DType::U32,
        (TypeChar::Uint, 2) => DType::U16,
        (TypeChar::Uint, 1) => DType::U8,
        (TypeChar::Bool, 1) => DType::Bool,
        _ => return None,
    })
}

/// What an array says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The type as NumPy writes it (`<f4`).
    pub descr: String,
    /// The type, if it is one that can be read.
    pub dtype: Option<DType>,
    /// The sizes of the dimensions.
    pub shape: Vec<u64>,
}

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The type of its elements.
    pub dtype: DType,
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
        let dtype = header
            .dtype
            .with_context(|| format!("has elements of the type {}", header.descr))?;
        ensure!(
            read.order() == Order::C || header.shape.len() < 2,
            "is stored column by column; store numpy.ascontiguousarray of it"
        );
        let count = header
            .shape
            .iter()
            .try_fold(1u64, |n, &size| n.checked_mul(size));
        let length = count.and_then(|count| count.checked_mul(dtype.size() as u64));
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
            dtype,
            shape: header.shape,
            bytes,
        })
    }
}

fn header(read: &NpyHeader) -> Result<Header> {
    let npyz::DType::Plain(ty) = read.dtype() else {
        bail!("has elements of several parts");
    };
    Ok(Header {
        descr: read.dtype().descr(),
        dtype: element(&ty),
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
