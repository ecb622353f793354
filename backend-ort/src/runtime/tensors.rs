//! Tensors and element types between nongemm and ONNX Runtime.

use anyhow::Context;
use nongemm_core::dtype::DType;
use nongemm_core::tensor::{HostData, HostTensor};
use ort::memory::{AllocationDevice, Allocator};
use ort::value::{DynTensor, DynTensorRef, TensorElementType};

/// Element types that both know, with ONNX Runtime's name in profiles.
const TYPES: &[(DType, TensorElementType, &str)] = &[
    (DType::F64, TensorElementType::Float64, "double"),
    (DType::F32, TensorElementType::Float32, "float"),
    (DType::F16, TensorElementType::Float16, "float16"),
    (DType::BF16, TensorElementType::Bfloat16, "bfloat16"),
    (DType::I64, TensorElementType::Int64, "int64"),
    (DType::I32, TensorElementType::Int32, "int32"),
    (DType::I16, TensorElementType::Int16, "int16"),
    (DType::I8, TensorElementType::Int8, "int8"),
    (DType::U64, TensorElementType::Uint64, "uint64"),
    (DType::U32, TensorElementType::Uint32, "uint32"),
    (DType::U16, TensorElementType::Uint16, "uint16"),
    (DType::U8, TensorElementType::Uint8, "uint8"),
    (DType::Bool, TensorElementType::Bool, "bool"),
];

/// ONNX Runtime's element type for `dtype`.
pub(crate) fn element_type(dtype: DType) -> Option<TensorElementType> {
    let mut types = TYPES.iter();
    types.find(|(own, ..)| *own == dtype).map(|(_, ty, _)| *ty)
}

/// The counterpart of an element type of ONNX Runtime, where there is one.
pub(crate) fn from_element_type(ty: TensorElementType) -> Option<DType> {
    let mut types = TYPES.iter();
    types
        .find(|(_, own, _)| *own == ty)
        .map(|(dtype, ..)| *dtype)
}

/// The element type that profiles write as `name`, where there is a counterpart.
pub(crate) fn from_profile(name: &str) -> Option<DType> {
    let mut types = TYPES.iter();
    types
        .find(|(.., own)| *own == name)
        .map(|(dtype, ..)| *dtype)
}

/// A tensor in host memory of ONNX Runtime's, from little-endian bytes.
///
/// # Errors
/// When the bytes are not as many as the shape and type need.
pub(crate) fn upload(
    ty: TensorElementType,
    shape: &[i64],
    bytes: &[u8],
) -> anyhow::Result<DynTensor> {
    let count = shape.iter().try_fold(1usize, |count, &size| {
        usize::try_from(size)
            .ok()
            .and_then(|n| count.checked_mul(n))
    });
    let needed = count.and_then(|count| ty.byte_size(count));
    anyhow::ensure!(
        needed == Some(bytes.len()),
        "{} bytes do not make a tensor of type {ty} and shape {shape:?}",
        bytes.len()
    );
    let mut tensor = DynTensor::new(&Allocator::default(), ty, shape.to_vec())?;
    if !bytes.is_empty() {
        // SAFETY: the tensor was just made with room for exactly these bytes.
        unsafe {
            let target = tensor.data_ptr_mut().cast::<u8>();
            target.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }
    Ok(tensor)
}

/// Copies a tensor to the host. `None` for element types that have no counterpart.
///
/// # Errors
/// When the copy from a device fails.
pub(crate) fn download(tensor: &DynTensorRef<'_>) -> anyhow::Result<Option<HostTensor>> {
    let ty = *tensor.data_type();
    let Some(dtype) = from_element_type(ty) else {
        return Ok(None);
    };
    let copied;
    let tensor: &DynTensor = if tensor.memory_info().is_cpu_accessible() {
        tensor
    } else {
        copied = tensor.to(AllocationDevice::CPU, 0)?;
        &copied
    };
    let shape: Vec<usize> = tensor.shape().iter().map(|&size| size as usize).collect();
    let count: usize = shape.iter().product();
    let length = ty.byte_size(count).context("a tensor of absurd size")?;
    let bytes = if length == 0 {
        &[]
    } else {
        // SAFETY: a dense tensor on the host holds that many bytes, and lives through this function.
        unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<u8>(), length) }
    };
    let tensor = HostTensor::new(shape, HostData::from_bytes(dtype, bytes))?;
    Ok(Some(tensor))
}
