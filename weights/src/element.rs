//! The floating-point types that weights are kept in, and the conversions between them.
//!
//! Every conversion goes through f32, as in PyTorch: exact for f16, bf16 and f32, so that the result is
//! the source rounded once to the nearest; f64 is rounded to f32 first.

use bytemuck::Pod;
use half::slice::HalfFloatSliceExt;
use half::vec::HalfBitsVecExt;
use half::{bf16, f16};
use nongemm_core::dtype::DType;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostData;

/// Elements that are converted at a time; the buffer for them is on the stack.
const BLOCK: usize = 1024;

/// A floating-point type that weights can have.
pub(crate) trait Element: Pod + Send + Sync {
    /// Its name.
    const DTYPE: DType;

    /// `count` zeros, in pages that the system zeroes when they are first written.
    fn zeros(count: usize) -> Vec<Self>;

    /// Elements as host data.
    fn wrap(values: Vec<Self>) -> HostData;

    /// Rounds `from` into `to`; both have the same length.
    fn from_f32s(from: &[f32], to: &mut [Self]);

    /// Converts `from` into `to`; both have the same length.
    fn to_f32s(from: &[Self], to: &mut [f32]);
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;

    fn zeros(count: usize) -> Vec<Self> {
        vec![0.0; count]
    }

    fn wrap(values: Vec<Self>) -> HostData {
        HostData::F32(values)
    }

    fn from_f32s(from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }

    fn to_f32s(from: &[Self], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
}

impl Element for f64 {
    const DTYPE: DType = DType::F64;

    fn zeros(count: usize) -> Vec<Self> {
        vec![0.0; count]
    }

    fn wrap(values: Vec<Self>) -> HostData {
        HostData::F64(values)
    }

    fn from_f32s(from: &[f32], to: &mut [Self]) {
        to.iter_mut()
            .zip(from)
            .for_each(|(to, &from)| *to = from.into());
    }

    fn to_f32s(from: &[Self], to: &mut [f32]) {
        to.iter_mut()
            .zip(from)
            .for_each(|(to, &from)| *to = from as f32);
    }
}

impl Element for f16 {
    const DTYPE: DType = DType::F16;

    fn zeros(count: usize) -> Vec<Self> {
        vec![0u16; count].reinterpret_into()
    }

    fn wrap(values: Vec<Self>) -> HostData {
        HostData::F16(values)
    }

    fn from_f32s(from: &[f32], to: &mut [Self]) {
        to.convert_from_f32_slice(from);
    }

    fn to_f32s(from: &[Self], to: &mut [f32]) {
        from.convert_to_f32_slice(to);
    }
}

impl Element for bf16 {
    const DTYPE: DType = DType::BF16;

    fn zeros(count: usize) -> Vec<Self> {
        vec![0u16; count].reinterpret_into()
    }

    fn wrap(values: Vec<Self>) -> HostData {
        HostData::BF16(values)
    }

    fn from_f32s(from: &[f32], to: &mut [Self]) {
        to.convert_from_f32_slice(from);
    }

    fn to_f32s(from: &[Self], to: &mut [f32]) {
        from.convert_to_f32_slice(to);
    }
}

/// Sizes of the dimensions of a parameter, and how many elements they make.
///
/// # Errors
/// When a size is not known or the elements cannot be counted.
pub(crate) fn known_shape(name: &str, spec: &TensorSpec) -> anyhow::Result<(Vec<usize>, usize)> {
    match (spec.shape.known(), spec.shape.elements()) {
        (Some(shape), Some(count)) if count.checked_mul(spec.dtype.size()).is_some() => {
            Ok((shape, count))
        }
        _ => anyhow::bail!("parameter `{name}` has no usable shape: {spec}"),
    }
}

/// Reads little-endian elements of type `from` out of `bytes` (which need no alignment) into `to`.
/// `bytes` holds exactly as many elements as `to`; `from` is a floating-point type.
pub(crate) fn decode<T: Element>(from: DType, bytes: &[u8], to: &mut [T]) {
    match from {
        _ if from == T::DTYPE => bytemuck::cast_slice_mut(to).copy_from_slice(bytes),
        DType::F64 => decode_blocks::<f64, T>(bytes, to),
        DType::F16 => decode_blocks::<f16, T>(bytes, to),
        DType::BF16 => decode_blocks::<bf16, T>(bytes, to),
        _ => decode_blocks::<f32, T>(bytes, to),
    }
}

fn decode_blocks<S: Element, T: Element>(bytes: &[u8], to: &mut [T]) {
    let mut aligned = [S::zeroed(); BLOCK];
    let mut wide = [0f32; BLOCK];
    for (bytes, to) in bytes
        .chunks(BLOCK * size_of::<S>())
        .zip(to.chunks_mut(BLOCK))
    {
        let (aligned, wide) = (&mut aligned[..to.len()], &mut wide[..to.len()]);
        bytemuck::cast_slice_mut(aligned).copy_from_slice(bytes);
        S::to_f32s(aligned, wide);
        T::from_f32s(wide, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<T: Element>(values: &[f64]) -> Vec<u8> {
        let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
        let mut to = T::zeros(values.len());
        T::from_f32s(&values, &mut to);
        bytemuck::cast_slice(&to).to_vec()
    }

    fn decoded<T: Element>(from: DType, bytes: &[u8], count: usize) -> Vec<f64> {
        let mut to = T::zeros(count);
        decode(from, bytes, &mut to);
        T::wrap(to).to_f64()
    }

    #[test]
    fn every_pair_of_types_agrees_on_values_that_all_hold() {
        // More than one block, so that the seam between two is covered.
        let values: Vec<f64> = (0..2500).map(|i| f64::from(i % 17) - 8.0).collect();
        let sources = [
            (DType::F64, bytes_of::<f64>(&values)),
            (DType::F32, bytes_of::<f32>(&values)),
            (DType::F16, bytes_of::<f16>(&values)),
            (DType::BF16, bytes_of::<bf16>(&values)),
        ];
        for (from, bytes) in &sources {
            let n = values.len();
            assert_eq!(decoded::<f64>(*from, bytes, n), values, "{from} to f64");
            assert_eq!(decoded::<f32>(*from, bytes, n), values, "{from} to f32");
            assert_eq!(decoded::<f16>(*from, bytes, n), values, "{from} to f16");
            assert_eq!(decoded::<bf16>(*from, bytes, n), values, "{from} to bf16");
        }
    }

    #[test]
    fn narrowing_rounds_to_the_nearest_even() {
        let middle = 1.0 + 2f32.powi(-11);
        let bytes = middle.to_le_bytes();
        assert_eq!(decoded::<f16>(DType::F32, &bytes, 1), [1.0]);
        let above = 1.0 + 2f32.powi(-11) + 2f32.powi(-20);
        let bytes = above.to_le_bytes();
        assert_eq!(
            decoded::<f16>(DType::F32, &bytes, 1),
            [1.0 + 2f64.powi(-10)]
        );
    }
}
