//! Small integer tensors computed on the host, where candle has no operation for them.

use candle_core::{DType, Result, Tensor};

/// The elements as `i64`, row-major.
pub(crate) fn integers(x: &Tensor) -> Result<Vec<i64>> {
    x.to_dtype(DType::I64)?.flatten_all()?.to_vec1()
}

/// A tensor like `like` (shape, type, device) from its elements as `i64`.
pub(crate) fn from_integers(values: Vec<i64>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.dims(), like.device())?.to_dtype(like.dtype())
}
