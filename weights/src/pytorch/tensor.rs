//! From what a pickle says about a tensor to the bytes of its elements.

use std::ops::Range;

use super::element::Scalar;
use super::pickle::{Pickled, Storage, Tensor, Value};
use crate::checkpoint::{Entry, shown};

/// The elements of a storage in the file.
#[derive(Clone, Debug)]
pub(super) struct Bytes {
    /// Where they are; in the file's bounds.
    pub(super) range: Range<usize>,
    /// Whether they are big-endian.
    pub(super) swapped: bool,
}

/// Where a file keeps its storages.
pub(super) trait Storages {
    /// The elements of a storage whose type is `scalar`.
    ///
    /// # Errors
    /// When there is none of this key.
    fn bytes(&self, key: &str, scalar: &'static Scalar) -> Result<Bytes, String>;
}

/// Locates a tensor in the file.
///
/// # Errors
/// When it reaches beyond its storage, or its sizes make no tensor.
pub(super) fn locate(
    tensor: &Tensor,
    pickled: &Pickled<'_>,
    storages: &dyn Storages,
) -> Result<Entry, String> {
    let Value::Storage(storage) = pickled.value(tensor.storage) else {
        return Err("has no storage".to_owned());
    };
    let bytes = storages.bytes(storage.key, storage.scalar)?;
    let part = part(storage, &bytes)?;
    let scalar = tensor.scalar.unwrap_or(storage.scalar);
    let count = count(&tensor.size, scalar.size)
        .ok_or_else(|| format!("of shape {} is too large", shown::shape(&tensor.size)))?;
    let range = match count {
        0 => part.start..part.start,
        _ => extent(tensor, scalar.size)
            .and_then(|(from, to)| Some(part.start.checked_add(from)?..part.start.checked_add(to)?))
            .filter(|range| range.end <= part.end)
            .ok_or_else(|| {
                format!(
                    "of shape {}, strides {} and offset {} reaches beyond its storage of {} bytes",
                    shown::shape(&tensor.size),
                    shown::shape(&tensor.stride),
                    tensor.offset,
                    part.len()
                )
            })?,
    };
    Ok(Entry {
        dtype: scalar.element_type(),
        shape: tensor.size.clone(),
        range,
        strides: (!is_contiguous(tensor)).then(|| tensor.stride.clone()),
        swapped: bytes.swapped && scalar.size > 1,
    })
}

/// The bytes of a storage, or of the part of it that a view of it is.
fn part(storage: &Storage<'_>, bytes: &Bytes) -> Result<Range<usize>, String> {
    let (offset, count) = storage.view.unwrap_or((0, storage.elements));
    let size = storage.scalar.size;
    let range = offset
        .checked_mul(size)
        .and_then(|from| bytes.range.start.checked_add(from))
        .and_then(|start| Some(start..start.checked_add(count.checked_mul(size)?)?));
    range
        .filter(|range| range.end <= bytes.range.end)
        .ok_or_else(|| {
            format!(
                "needs {count} elements of {size} bytes from element {offset} of storage `{}`, which has {} bytes",
                shown::name(storage.key),
                bytes.range.len()
            )
        })
}

/// Elements of a tensor whose bytes can be counted.
fn count(size: &[usize], element: usize) -> Option<usize> {
    // Without the zero sizes, so that the product of all sizes exists in any order.
    let mut sizes = size.iter().filter(|size| **size > 0);
    let full = sizes.try_fold(element, |bytes, &size| bytes.checked_mul(size))?;
    isize::try_from(full).ok()?;
    Some(match size.contains(&0) {
        true => 0,
        false => full / element,
    })
}

/// From the first byte to the end of the last one, from the start of the storage.
fn extent(tensor: &Tensor, element: usize) -> Option<(usize, usize)> {
    let sizes = tensor.size.iter().zip(&tensor.stride);
    let last = sizes
        .map(|(&size, &stride)| (size - 1).checked_mul(stride))
        .try_fold(tensor.offset, |at, step| at.checked_add(step?))?;
    let from = tensor.offset.checked_mul(element)?;
    let to = last.checked_add(1)?.checked_mul(element)?;
    Some((from, to))
}

/// Whether the elements lie one after the other in the order of their indices.
fn is_contiguous(tensor: &Tensor) -> bool {
    if tensor.size.contains(&0) {
        return true;
    }
    let mut expected = 1;
    tensor
        .size
        .iter()
        .zip(&tensor.stride)
        .rev()
        .all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
}
