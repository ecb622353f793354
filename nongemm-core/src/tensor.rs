//! Tensors in host memory: how inputs, weights and outputs travel between plugins.

use half::{bf16, f16};

use crate::dtype::DType;
use crate::shape::TensorSpec;

/// The elements of a [`HostTensor`], dense and row-major.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant is its own element type")]
pub enum HostData {
    F64(Vec<f64>),
    F32(Vec<f32>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I16(Vec<i16>),
    I8(Vec<i8>),
    U64(Vec<u64>),
    U32(Vec<u32>),
    U16(Vec<u16>),
    U8(Vec<u8>),
    Bool(Vec<u8>),
}

impl HostData {
    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            HostData::F64(_) => DType::F64,
            HostData::F32(_) => DType::F32,
            HostData::F16(_) => DType::F16,
            HostData::BF16(_) => DType::BF16,
            HostData::I64(_) => DType::I64,
            HostData::I32(_) => DType::I32,
            HostData::I16(_) => DType::I16,
            HostData::I8(_) => DType::I8,
            HostData::U64(_) => DType::U64,
            HostData::U32(_) => DType::U32,
            HostData::U16(_) => DType::U16,
            HostData::U8(_) => DType::U8,
            HostData::Bool(_) => DType::Bool,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            HostData::F64(v) => v.len(),
            HostData::F32(v) => v.len(),
            HostData::F16(v) => v.len(),
            HostData::BF16(v) => v.len(),
            HostData::I64(v) => v.len(),
            HostData::I32(v) => v.len(),
            HostData::I16(v) => v.len(),
            HostData::I8(v) => v.len(),
            HostData::U64(v) => v.len(),
            HostData::U32(v) => v.len(),
            HostData::U16(v) => v.len(),
            HostData::U8(v) | HostData::Bool(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The raw little-endian bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            HostData::F64(v) => bytemuck::cast_slice(v),
            HostData::F32(v) => bytemuck::cast_slice(v),
            HostData::F16(v) => bytemuck::cast_slice(v),
            HostData::BF16(v) => bytemuck::cast_slice(v),
            HostData::I64(v) => bytemuck::cast_slice(v),
            HostData::I32(v) => bytemuck::cast_slice(v),
            HostData::I16(v) => bytemuck::cast_slice(v),
            HostData::I8(v) => bytemuck::cast_slice(v),
            HostData::U64(v) => bytemuck::cast_slice(v),
            HostData::U32(v) => bytemuck::cast_slice(v),
            HostData::U16(v) => bytemuck::cast_slice(v),
            HostData::U8(v) | HostData::Bool(v) => v,
        }
    }

    /// The raw little-endian bytes, to be written.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        match self {
            HostData::F64(v) => bytemuck::cast_slice_mut(v),
            HostData::F32(v) => bytemuck::cast_slice_mut(v),
            HostData::F16(v) => bytemuck::cast_slice_mut(v),
            HostData::BF16(v) => bytemuck::cast_slice_mut(v),
            HostData::I64(v) => bytemuck::cast_slice_mut(v),
            HostData::I32(v) => bytemuck::cast_slice_mut(v),
            HostData::I16(v) => bytemuck::cast_slice_mut(v),
            HostData::I8(v) => bytemuck::cast_slice_mut(v),
            HostData::U64(v) => bytemuck::cast_slice_mut(v),
            HostData::U32(v) => bytemuck::cast_slice_mut(v),
            HostData::U16(v) => bytemuck::cast_slice_mut(v),
            HostData::U8(v) | HostData::Bool(v) => v,
        }
    }

    /// Elements from little-endian bytes (one copy; the bytes need no alignment).
    /// Trailing bytes that do not make up an element are ignored.
    pub fn from_bytes(dtype: DType, bytes: &[u8]) -> HostData {
        let count = bytes.len() / dtype.size();
        let mut data = HostData::zeros(dtype, count);
        let size = count * dtype.size();
        data.as_bytes_mut().copy_from_slice(&bytes[..size]);
        data
    }

    /// Floating-point values as another floating-point type; other data are returned as they are.
    pub fn to_float(self, dtype: DType) -> HostData {
        if self.dtype() == dtype || !self.dtype().is_float() || !dtype.is_float() {
            return self;
        }
        let wide = self.to_f64();
        match dtype {
            DType::F64 => HostData::F64(wide),
            DType::F16 => HostData::F16(wide.into_iter().map(f16::from_f64).collect()),
            DType::BF16 => HostData::BF16(wide.into_iter().map(bf16::from_f64).collect()),
            _ => HostData::F32(wide.into_iter().map(|x| x as f32).collect()),
        }
    }

    /// `count` zeros.
    pub fn zeros(dtype: DType, count: usize) -> HostData {
        match dtype {
            DType::F64 => HostData::F64(vec![0.0; count]),
            DType::F32 => HostData::F32(vec![0.0; count]),
            DType::F16 => HostData::F16(vec![f16::ZERO; count]),
            DType::BF16 => HostData::BF16(vec![bf16::ZERO; count]),
            DType::I64 => HostData::I64(vec![0; count]),
            DType::I32 => HostData::I32(vec![0; count]),
            DType::I16 => HostData::I16(vec![0; count]),
            DType::I8 => HostData::I8(vec![0; count]),
            DType::U64 => HostData::U64(vec![0; count]),
            DType::U32 => HostData::U32(vec![0; count]),
            DType::U16 => HostData::U16(vec![0; count]),
            DType::U8 => HostData::U8(vec![0; count]),
            DType::Bool => HostData::Bool(vec![0; count]),
        }
    }

    /// Whether no element is infinite or not a number.
    pub fn is_finite(&self) -> bool {
        match self {
            HostData::F64(v) => v.iter().all(|x| x.is_finite()),
            HostData::F32(v) => v.iter().all(|x| x.is_finite()),
            HostData::F16(v) => v.iter().all(|x| x.is_finite()),
            HostData::BF16(v) => v.iter().all(|x| x.is_finite()),
            _ => true,
        }
    }

    /// The first elements, at most `count`, as `f64`.
    pub fn head(&self, count: usize) -> Vec<f64> {
        match self {
            HostData::F64(v) => v.iter().take(count).copied().collect(),
            HostData::F32(v) => v.iter().take(count).map(|&x| f64::from(x)).collect(),
            HostData::F16(v) => v.iter().take(count).map(|x| x.to_f64()).collect(),
            HostData::BF16(v) => v.iter().take(count).map(|x| x.to_f64()).collect(),
            HostData::I64(v) => v.iter().take(count).map(|&x| x as f64).collect(),
            HostData::I32(v) => v.iter().take(count).map(|&x| f64::from(x)).collect(),
            HostData::I16(v) => v.iter().take(count).map(|&x| f64::from(x)).collect(),
            HostData::I8(v) => v.iter().take(count).map(|&x| f64::from(x)).collect(),
            HostData::U64(v) => v.iter().take(count).map(|&x| x as f64).collect(),
            HostData::U32(v) => v.iter().take(count).map(|&x| f64::from(x)).collect(),
            HostData::U16(v) => v.iter().take(count).map(|&x| f64::from(x)).collect(),
            HostData::U8(v) | HostData::Bool(v) => {
                v.iter().take(count).map(|&x| f64::from(x)).collect()
            }
        }
    }

    /// All elements as `f64`, for comparisons.
    pub fn to_f64(&self) -> Vec<f64> {
        self.head(self.len())
    }
}

/// A dense tensor in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    shape: Vec<usize>,
    data: HostData,
}

impl HostTensor {
    /// A tensor from its shape and elements.
    ///
    /// # Errors
    /// When the number of elements is not the product of the shape.
    pub fn new(shape: impl Into<Vec<usize>>, data: HostData) -> anyhow::Result<Self> {
        let shape = shape.into();
        let expected = shape.iter().try_fold(1usize, |acc, &d| acc.checked_mul(d));
        anyhow::ensure!(
            expected == Some(data.len()),
            "a tensor of shape {shape:?} cannot hold {} elements",
            data.len()
        );
        Ok(HostTensor { shape, data })
    }

    /// The sizes of the dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// The elements.
    pub fn data(&self) -> &HostData {
        &self.data
    }

    /// The elements, by value.
    pub fn into_data(self) -> HostData {
        self.data
    }

    /// Element type and shape.
    pub fn spec(&self) -> TensorSpec {
        TensorSpec::new(self.dtype(), self.shape.as_slice())
    }
}
