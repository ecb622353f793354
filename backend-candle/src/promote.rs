//! PyTorch's type promotion, on candle's element types (`u8` is bool).

use std::borrow::Cow;

use candle_core::{DType, Result, Tensor};

/// Kind of a type in the order of promotion: bool, integer, floating-point.
fn category(dtype: DType) -> u8 {
    match dtype {
        DType::U8 => 0,
        float if float.is_float() => 2,
        _ => 1,
    }
}

/// The common type of two tensors. One without dimensions counts only where its kind is higher.
pub(crate) fn common(a: &Tensor, b: &Tensor) -> DType {
    let (ka, kb) = (category(a.dtype()), category(b.dtype()));
    match (a.rank() == 0, b.rank() == 0) {
        (false, true) if ka >= kb => a.dtype(),
        (true, false) if kb >= ka => b.dtype(),
        _ => common_types(a.dtype(), b.dtype()),
    }
}

fn common_types(a: DType, b: DType) -> DType {
    let (low, high) = if category(a) <= category(b) {
        (a, b)
    } else {
        (b, a)
    };
    match (category(low), category(high)) {
        _ if low == high => low,
        (2, 2) if low.size_in_bytes() == high.size_in_bytes() => DType::F32,
        (2, 2) if low.size_in_bytes() > high.size_in_bytes() => low,
        (1, 1) => DType::I64,
        _ => high,
    }
}

/// The common type of a tensor and a number: a whole number keeps integers what they are.
pub(crate) fn with_scalar(dtype: DType, scalar: f64) -> DType {
    match (category(dtype), scalar.fract() == 0.0) {
        (2, _) | (1, true) => dtype,
        (0, true) => DType::I64,
        _ => DType::F32,
    }
}

/// `x` as `dtype`; nothing happens where it is that already.
pub(crate) fn cast(x: &Tensor, dtype: DType) -> Result<Cow<'_, Tensor>> {
    if x.dtype() == dtype {
        Ok(Cow::Borrowed(x))
    } else {
        x.to_dtype(dtype).map(Cow::Owned)
    }
}

/// `x` as floating-point numbers; integers become `f32`.
pub(crate) fn float(x: &Tensor) -> Result<Cow<'_, Tensor>> {
    cast(x, with_scalar(x.dtype(), 0.5))
}

/// Which elements are not zero, as `u8`.
pub(crate) fn truth(x: &Tensor) -> Result<Cow<'_, Tensor>> {
    if x.dtype() == DType::U8 {
        Ok(Cow::Borrowed(x))
    } else {
        x.ne(0f64).map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn tensor(dtype: DType, shape: &[usize]) -> Tensor {
        Tensor::zeros(shape, dtype, &Device::Cpu).unwrap()
    }

    #[test]
    fn kinds_win_over_sizes() {
        let of = |a, b| common(&tensor(a, &[2]), &tensor(b, &[2]));
        assert_eq!(of(DType::I64, DType::F16), DType::F16);
        assert_eq!(of(DType::F16, DType::BF16), DType::F32);
        assert_eq!(of(DType::U8, DType::I32), DType::I32);
        assert_eq!(of(DType::I64, DType::I32), DType::I64);
        assert_eq!(of(DType::F64, DType::F32), DType::F64);
    }

    #[test]
    fn a_tensor_without_dimensions_counts_only_for_its_kind() {
        let of = |a, b| common(&tensor(a, &[2]), &tensor(b, &[]));
        assert_eq!(of(DType::F16, DType::F32), DType::F16);
        assert_eq!(of(DType::I32, DType::I64), DType::I32);
        assert_eq!(of(DType::I64, DType::F32), DType::F32);
    }

    #[test]
    fn a_fraction_makes_integers_floating_point() {
        assert_eq!(with_scalar(DType::I64, 2.0), DType::I64);
        assert_eq!(with_scalar(DType::I64, 0.5), DType::F32);
        assert_eq!(with_scalar(DType::U8, 1.0), DType::I64);
        assert_eq!(with_scalar(DType::F16, 0.5), DType::F16);
    }
}
