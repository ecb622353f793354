//! What a file of a checkpoint holds.

use std::collections::BTreeMap;
use std::ops::Range;

use nongemm_core::dtype::DType;

/// A file's tensors, read and checked: every range lies in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contents {
    /// The tensors by name.
    pub(crate) tensors: BTreeMap<String, Entry>,
    /// The part of the file that says which tensors it holds.
    pub(crate) head: Range<usize>,
}

/// The type of a tensor's elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ElementType {
    /// One that tensors can have here.
    Known(DType),
    /// Another, by its name in messages.
    Other(String),
}

impl ElementType {
    /// The type, if tensors can have it here.
    pub(crate) fn known(&self) -> Option<DType> {
        match self {
            ElementType::Known(dtype) => Some(*dtype),
            ElementType::Other(_) => None,
        }
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            ElementType::Known(dtype) => dtype.to_string(),
            ElementType::Other(name) => name.clone(),
        }
    }
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The type of its elements.
    pub(crate) dtype: ElementType,
    /// The sizes of the dimensions.
    pub(crate) shape: Vec<usize>,
    /// The bytes of the file from its first element to the end of its last.
    pub(crate) range: Range<usize>,
    /// Elements from one index to the next, for each dimension; nothing where the elements lie one
    /// after the other in the order of their indices.
    pub(crate) strides: Option<Vec<usize>>,
    /// Whether each element's bytes are in the order that is not little-endian.
    pub(crate) swapped: bool,
}

impl Entry {
    /// How many elements it has. Readers have checked that they can be counted.
    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the bytes in `range` are those of the tensor as it is loaded.
    pub(crate) fn is_plain(&self) -> bool {
        self.strides.is_none() && !self.swapped
    }

    /// The position in the file of each element of size `size`, in the order of the indices.
    pub(crate) fn positions(&self, size: usize) -> Positions<'_> {
        Positions {
            shape: &self.shape,
            steps: steps(&self.shape, self.strides.as_deref(), size),
            index: vec![0; self.shape.len()],
            at: self.range.start,
            left: self.elements(),
        }
    }
}

/// Bytes from one index to the next, for each dimension.
fn steps(shape: &[usize], strides: Option<&[usize]>, size: usize) -> Vec<usize> {
    match strides {
        Some(strides) => strides.iter().map(|stride| stride * size).collect(),
        None => {
            let mut steps = vec![size; shape.len()];
            for dim in (1..shape.len()).rev() {
                steps[dim - 1] = steps[dim] * shape[dim];
            }
            steps
        }
    }
}

/// See [`Entry::positions`].
pub(crate) struct Positions<'a> {
    shape: &'a [usize],
    steps: Vec<usize>,
    index: Vec<usize>,
    at: usize,
    left: usize,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        for dim in (0..self.shape.len()).rev() {
            self.index[dim] += 1;
            if self.index[dim] < self.shape[dim] {
                self.at += self.steps[dim];
                break;
            }
            self.at -= (self.shape[dim] - 1) * self.steps[dim];
            self.index[dim] = 0;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(shape: &[usize], strides: Option<&[usize]>) -> Vec<usize> {
        let entry = Entry {
            dtype: ElementType::Known(DType::F32),
            shape: shape.to_vec(),
            range: 100..200,
            strides: strides.map(<[usize]>::to_vec),
            swapped: false,
        };
        entry.positions(4).collect()
    }

    #[test]
    fn positions_follow_the_strides() {
        assert_eq!(positions(&[], None), [100]);
        assert_eq!(positions(&[2, 0], None), [0; 0]);
        assert_eq!(positions(&[2, 2], None), [100, 104, 108, 112]);
        // A transposed [2, 3], and a row that is repeated.
        let transposed = [100, 112, 104, 116, 108, 120];
        assert_eq!(positions(&[3, 2], Some(&[1, 3])), transposed);
        let repeated = [100, 104, 100, 104];
        assert_eq!(positions(&[2, 2], Some(&[0, 1])), repeated);
    }
}
