//! The layout before PyTorch 1.6: five pickles (a magic number, the version, the writer's machine, the
//! object, the keys of its storages), then for each key the number of elements and the elements.

use std::collections::HashMap;

use super::element::Scalar;
use super::pickle::{self, Pickled, Value};
use super::state_dict;
use super::tensor::{Bytes, Storages};
use crate::checkpoint::{Contents, shown};

/// The first pickle.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

/// The second.
const VERSION: i128 = 1001;

/// Whether a file starts like a pickle of protocol 2 or later.
pub(super) fn starts(file: &[u8]) -> bool {
    matches!(file, [0x80, 2..=5, ..])
}

/// Reads which tensors a file holds.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(file: &[u8]) -> Result<Contents, String> {
    let mut at = 0;
    let mut next = |what: &str| {
        let (pickled, length) =
            pickle::read_first(&file[at..]).map_err(|e| format!("{what}: {e}"))?;
        at += length;
        Ok::<_, String>(pickled)
    };
    let magic = next("not a PyTorch checkpoint")?;
    if magic.integer() != Some(MAGIC) {
        return Err(
            "not a PyTorch checkpoint: a pickle without its magic number; torch.save writes one"
                .to_owned(),
        );
    }
    let version = next("the version")?;
    if version.integer() != Some(VERSION) {
        return Err("not a PyTorch checkpoint of a known version: 1001 is".to_owned());
    }
    next("the description of the machine")?;
    let object = next("the object")?;
    let keys = next("the list of storages")?;
    let storages = Listed::read(file, at, &keys, &object)?;
    let tensors = state_dict::read(&object, &storages)?;
    Ok(Contents {
        tensors,
        head: 0..at,
    })
}

/// Where the elements of each storage are. They are little-endian whatever the machine was.
struct Listed<'a>(HashMap<&'a str, (Bytes, &'static Scalar)>);

impl<'a> Listed<'a> {
    fn read(
        file: &[u8],
        mut at: usize,
        keys: &Pickled<'a>,
        object: &Pickled<'a>,
    ) -> Result<Self, String> {
        let types: HashMap<&str, &'static Scalar> = object
            .storages()
            .map(|storage| (storage.key, storage.scalar))
            .collect();
        let Value::List(keys_listed) = keys.root() else {
            return Err("the keys of its storages are no list".to_owned());
        };
        let mut found = HashMap::new();
        for &key in keys_listed {
            let Value::Text(key) = *keys.value(key) else {
                return Err("the key of a storage is no text".to_owned());
            };
            let shown = shown::name(key);
            let scalar = *types
                .get(key)
                .ok_or_else(|| format!("no tensor uses storage `{shown}`"))?;
            let count = file
                .get(at..)
                .and_then(<[u8]>::first_chunk)
                .map(|bytes| u64::from_le_bytes(*bytes))
                .ok_or_else(|| format!("truncated before storage `{shown}`"))?;
            let start = at + size_of::<u64>();
            let end = usize::try_from(count)
                .ok()
                .and_then(|count| count.checked_mul(scalar.size))
                .and_then(|bytes| start.checked_add(bytes))
                .filter(|end| *end <= file.len())
                .ok_or_else(|| {
                    format!(
                        "truncated: storage `{shown}` has {count} elements of {} bytes, the file \
                         holds {} bytes more",
                        scalar.size,
                        file.len() - start
                    )
                })?;
            let bytes = Bytes {
                range: start..end,
                swapped: false,
            };
            if found.insert(key, (bytes, scalar)).is_some() {
                return Err(format!("storage `{shown}` is there twice"));
            }
            at = end;
        }
        match file.len() - at {
            0 => Ok(Listed(found)),
            left => Err(format!("{left} bytes at the end belong to no storage")),
        }
    }
}

impl Storages for Listed<'_> {
    fn bytes(&self, key: &str, scalar: &'static Scalar) -> Result<Bytes, String> {
        let shown = || shown::name(key);
        let (bytes, stored) = self
            .0
            .get(key)
            .ok_or_else(|| format!("the file holds no storage `{}`", shown()))?;
        if *stored != scalar {
            return Err(format!("storage `{}` has two element types", shown()));
        }
        Ok(bytes.clone())
    }
}
