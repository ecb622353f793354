//! Tensors and element types between nongemm and candle.

use candle_core::{DType as CandleDType, Device, Tensor};
use nongemm_core::dtype::DType;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::{HostData, HostTensor};

/// candle's element type for `dtype`; bool is stored as `u8`.
///
/// # Errors
/// For types that candle does not have.
pub(crate) fn to_candle(dtype: DType) -> anyhow::Result<CandleDType> {
    Ok(match dtype {
        DType::F64 => CandleDType::F64,
        DType::F32 => CandleDType::F32,
        DType::F16 => CandleDType::F16,
        DType::BF16 => CandleDType::BF16,
        DType::I64 => CandleDType::I64,
        DType::I32 => CandleDType::I32,
        DType::I16 => CandleDType::I16,
        DType::U32 => CandleDType::U32,
        DType::U8 | DType::Bool => CandleDType::U8,
        DType::I8 | DType::U16 | DType::U64 => anyhow::bail!("candle has no tensors of {dtype}"),
    })
}

/// The element type of a candle tensor. Kernels produce only types that have a counterpart; the rest
/// (8-bit floating point and smaller) reads as raw bytes.
pub(crate) fn from_candle(dtype: CandleDType) -> DType {
    match dtype {
        CandleDType::F64 => DType::F64,
        CandleDType::F32 => DType::F32,
        CandleDType::F16 => DType::F16,
        CandleDType::BF16 => DType::BF16,
        CandleDType::I64 => DType::I64,
        CandleDType::I32 => DType::I32,
        CandleDType::I16 => DType::I16,
        CandleDType::U32 => DType::U32,
        _ => DType::U8,
    }
}

/// Shape and element type.
pub(crate) fn spec(tensor: &Tensor) -> TensorSpec {
    TensorSpec::new(from_candle(tensor.dtype()), tensor.dims())
}

/// Moves a tensor to the device; on the CPU without a copy.
///
/// # Errors
/// When candle does not have the element type, or the device fails.
pub(crate) fn upload(tensor: HostTensor, device: &Device) -> anyhow::Result<Tensor> {
    let (shape, dtype) = (tensor.shape().to_vec(), tensor.dtype());
    let tensor = match tensor.into_data() {
        HostData::F64(data) => Tensor::from_vec(data, shape, device),
        HostData::F32(data) => Tensor::from_vec(data, shape, device),
        HostData::F16(data) => Tensor::from_vec(data, shape, device),
        HostData::BF16(data) => Tensor::from_vec(data, shape, device),
        HostData::I64(data) => Tensor::from_vec(data, shape, device),
        HostData::I32(data) => Tensor::from_vec(data, shape, device),
        HostData::I16(data) => Tensor::from_vec(data, shape, device),
        HostData::U32(data) => Tensor::from_vec(data, shape, device),
        HostData::U8(data) | HostData::Bool(data) => Tensor::from_vec(data, shape, device),
        HostData::I8(_) | HostData::U16(_) | HostData::U64(_) => {
            anyhow::bail!("candle has no tensors of {dtype}")
        }
    };
    Ok(tensor?)
}

/// Copies a tensor to the host.
pub(crate) fn download(tensor: &Tensor) -> anyhow::Result<HostTensor> {
    let flat = tensor.flatten_all()?;
    let data = match tensor.dtype() {
        CandleDType::F64 => HostData::F64(flat.to_vec1()?),
        CandleDType::F32 => HostData::F32(flat.to_vec1()?),
        CandleDType::F16 => HostData::F16(flat.to_vec1()?),
        CandleDType::BF16 => HostData::BF16(flat.to_vec1()?),
        CandleDType::I64 => HostData::I64(flat.to_vec1()?),
        CandleDType::I32 => HostData::I32(flat.to_vec1()?),
        CandleDType::I16 => HostData::I16(flat.to_vec1()?),
        CandleDType::U32 => HostData::U32(flat.to_vec1()?),
        CandleDType::U8 => HostData::U8(flat.to_vec1()?),
        other => anyhow::bail!("candle dtype {} has no counterpart", other.as_str()),
    };
    HostTensor::new(tensor.dims(), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_survives_the_round_trip() {
        let host = HostTensor::new([2, 3], HostData::I64(vec![1, -2, 3, 4, 5, i64::MIN])).unwrap();
        let tensor = upload(host.clone(), &Device::Cpu).unwrap();
        assert_eq!(spec(&tensor), host.spec());
        assert_eq!(download(&tensor).unwrap(), host);
    }

    #[test]
    fn a_transposed_view_is_downloaded_in_row_major_order() {
        let host = HostTensor::new([2, 2], HostData::F32(vec![1.0, 2.0, 3.0, 4.0])).unwrap();
        let view = upload(host, &Device::Cpu).unwrap().t().unwrap();
        let expected = HostData::F32(vec![1.0, 3.0, 2.0, 4.0]);
        assert_eq!(*download(&view).unwrap().data(), expected);
    }
}
