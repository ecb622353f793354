//! Tensors and element types between nongemm and libtorch.

use std::ffi::c_int;

use nongemm_core::dtype::DType;
use nongemm_core::tensor::{HostData, HostTensor};
use tch::{Kind, Tensor};

/// libtorch's element type for `dtype`.
///
/// # Errors
/// For types that libtorch's operators do not take.
pub(crate) fn to_torch(dtype: DType) -> anyhow::Result<Kind> {
    Ok(match dtype {
        DType::F64 => Kind::Double,
        DType::F32 => Kind::Float,
        DType::F16 => Kind::Half,
        DType::BF16 => Kind::BFloat16,
        DType::I64 => Kind::Int64,
        DType::I32 => Kind::Int,
        DType::I16 => Kind::Int16,
        DType::I8 => Kind::Int8,
        DType::U8 => Kind::Uint8,
        DType::Bool => Kind::Bool,
        DType::U16 | DType::U32 | DType::U64 => {
            anyhow::bail!("libtorch has no operators for {dtype}")
        }
    })
}

/// The number of libtorch's element type for `dtype` (`c10::ScalarType`).
///
/// # Errors
/// As [`to_torch`].
pub(crate) fn scalar_type(dtype: DType) -> anyhow::Result<c_int> {
    Ok(match to_torch(dtype)? {
        Kind::Uint8 => 0,
        Kind::Int8 => 1,
        Kind::Int16 => 2,
        Kind::Int => 3,
        Kind::Int64 => 4,
        Kind::Half => 5,
        Kind::Float => 6,
        Kind::Double => 7,
        Kind::Bool => 11,
        Kind::BFloat16 => 15,
        kind => anyhow::bail!("{kind:?} is not used here"),
    })
}

/// The element type of a tensor of libtorch, where there is a counterpart.
pub(crate) fn from_torch(kind: Kind) -> Option<DType> {
    Some(match kind {
        Kind::Double => DType::F64,
        Kind::Float => DType::F32,
        Kind::Half => DType::F16,
        Kind::BFloat16 => DType::BF16,
        Kind::Int64 => DType::I64,
        Kind::Int => DType::I32,
        Kind::Int16 => DType::I16,
        Kind::Int8 => DType::I8,
        Kind::Uint8 => DType::U8,
        Kind::Bool => DType::Bool,
        _ => return None,
    })
}

/// Copies a tensor to the device.
pub(crate) fn upload(tensor: &HostTensor, device: tch::Device) -> anyhow::Result<Tensor> {
    let kind = to_torch(tensor.data().dtype())?;
    let size: Vec<i64> = tensor.shape().iter().map(|&n| n as i64).collect();
    let host = Tensor::f_from_data_size(tensor.data().as_bytes(), &size, kind)?;
    Ok(host.f_to_device(device)?)
}

/// Copies a tensor to the host.
pub(crate) fn download(tensor: &Tensor) -> anyhow::Result<HostTensor> {
    let kind = tensor.f_kind()?;
    let Some(dtype) = from_torch(kind) else {
        anyhow::bail!("element type {kind:?} of libtorch has no counterpart");
    };
    let host = tensor.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
    let size = host.size();
    let shape: Vec<usize> = size.iter().map(|&n| n as usize).collect();
    let count: usize = shape.iter().product();
    let mut data = HostData::zeros(dtype, count);
    host.f_copy_data_u8(data.as_bytes_mut(), count)?;
    HostTensor::new(shape, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_survive_the_round_trip() {
        for data in [
            HostData::I64(vec![1, -2, 3, 4, 5, i64::MIN]),
            HostData::F32(vec![0.5, f32::INFINITY, -0.0, 1e-40, 3.0, 4.0]),
            HostData::Bool(vec![0, 1, 1, 0, 1, 0]),
        ] {
            let host = HostTensor::new([2, 3], data).unwrap();
            let tensor = upload(&host, tch::Device::Cpu).unwrap();
            assert_eq!(download(&tensor).unwrap(), host);
        }
    }

    #[test]
    fn a_view_is_downloaded_in_row_major_order() {
        let host = HostTensor::new([2, 2], HostData::F32(vec![1.0, 2.0, 3.0, 4.0])).unwrap();
        let view = upload(&host, tch::Device::Cpu).unwrap().transpose(0, 1);
        let expected = HostData::F32(vec![1.0, 3.0, 2.0, 4.0]);
        assert_eq!(*download(&view).unwrap().data(), expected);
    }

    #[test]
    fn an_empty_tensor_is_a_tensor() {
        let host = HostTensor::new([0, 4], HostData::F32(Vec::new())).unwrap();
        let tensor = upload(&host, tch::Device::Cpu).unwrap();
        assert_eq!(download(&tensor).unwrap(), host);
    }
}
