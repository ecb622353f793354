//! The floating-point types that weights are kept in, and the conversions between them.
//!
//! A conversion rounds once, to the nearest: f16 and bf16 go through f32, which holds both exactly,
//! and anything from or to f64 goes directly.

use bytemuck::Pod;
use half::slice::HalfFloatSliceExt;
use half::vec::HalfBitsVecExt;
use half::{bf16, f16};
use nongemm_core::dtype::DType;
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

    /// The nearest value.
    fn from_f64(value: f64) -> Self;

    /// Rounds `from` into `to`; both have the same length.
    fn from_f32s(from: &[f32], to: &mut [Self]);

    /// Widens `from` into `to`; both have the same length. Never called for f64.
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

    fn from_f64(value: f64) -> Self {
        value as f32
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

    fn from_f64(value: f64) -> Self {
        value
    }

    fn from_f32s(from: &[f32], to: &mut [Self]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = f64::from(*from));
    }

    fn to_f32s(from: &[Self], to: &mut [f32]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from as f32);
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

    fn from_f64(value: f64) -> Self {
        f16::from_f64(value)
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

    fn from_f64(value: f64) -> Self {
        bf16::from_f64(value)
    }

    fn from_f32s(from: &[f32], to: &mut [Self]) {
        to.convert_from_f32_slice(from);
    }

    fn to_f32s(from: &[Self], to: &mut [f32]) {
        from.convert_to_f32_slice(to);
    }
}

/// Reads little-endian elements of type `from` out of `bytes` (which need no alignment) into `to`.
/// `bytes` holds exactly as many elements as `to`; `from` is a floating-point type.
pub(crate) fn decode<T: Element>(from: DType, bytes: &[u8], to: &mut [T]) {
    match from {
        _ if from == T::DTYPE => bytemuck::cast_slice_mut(to).copy_from_slice(bytes),
        DType::F64 => decode_wide(bytes, to),
        DType::F16 => decode_blocks::<f16, T>(bytes, to),
        DType::BF16 => decode_blocks::<bf16, T>(bytes, to),
        _ => decode_blocks::<f32, T>(bytes, to),
    }
}

fn decode_blocks<S: Element, T: Element>(bytes: &[u8], to: &mut [T]) {
    let mut aligned = [S::zeroed(); BLOCK];
    let mut wide = [0f32; BLOCK];
    for (bytes, to) in bytes.chunks(BLOCK * size_of::<S>()).zip(to.chunks_mut(BLOCK)) {
        let (aligned, wide) = (&mut aligned[..to.len()], &mut wide[..to.len()]);
        bytemuck::cast_slice_mut(aligned).copy_from_slice(bytes);
        S::to_f32s(aligned, wide);
        T::from_f32s(wide, to);
    }
}

fn decode_wide<T: Element>(bytes: &[u8], to: &mut [T]) {
    for (bytes, to) in bytes.as_chunks::<8>().0.iter().zip(to) {
        *to = T::from_f64(f64::from_le_bytes(*bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<T: Element>(values: &[f64]) -> Vec<u8> {
        let values: Vec<T> = values.iter().map(|&x| T::from_f64(x)).collect();
        bytemuck::cast_slice(&values).to_vec()
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
    fn f64_is_rounded_once() {
        // Just above the middle between 1 and the next f16: through f32 it would become the middle,
        // and the tie would round down to 1.
        let value = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!(
            decoded::<f16>(DType::F64, &value.to_le_bytes(), 1),
            [1.0 + 2f64.powi(-10)]
        );
    }
}
