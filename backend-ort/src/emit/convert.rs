//! Element types and tensors as ONNX has them, and conversions between types.

use half::{bf16, f16};
use nongemm_core::dtype::DType;
use nongemm_core::tensor::{HostData, HostTensor};

use super::emitter::Emitter;
use super::value::Tensor;
use crate::proto::{DataType, TensorProto};

/// ONNX's element type.
pub(crate) fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::F64 => DataType::Double,
        DType::F32 => DataType::Float,
        DType::F16 => DataType::Float16,
        DType::BF16 => DataType::Bfloat16,
        DType::I64 => DataType::Int64,
        DType::I32 => DataType::Int32,
        DType::I16 => DataType::Int16,
        DType::I8 => DataType::Int8,
        DType::U64 => DataType::Uint64,
        DType::U32 => DataType::Uint32,
        DType::U16 => DataType::Uint16,
        DType::U8 => DataType::Uint8,
        DType::Bool => DataType::Bool,
    }
}

/// A tensor with its elements inside.
pub fn tensor(name: &str, tensor: &HostTensor) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: tensor.shape().iter().map(|&size| size as i64).collect(),
        data_type: data_type(tensor.dtype()).into(),
        raw_data: tensor.data().as_bytes().to_vec().into(),
        ..TensorProto::default()
    }
}

/// `count` times the same number.
///
/// # Errors
/// When the type cannot hold it.
pub(crate) fn filled(value: f64, dtype: DType, count: usize) -> anyhow::Result<HostData> {
    let whole = || {
        let exact = value.fract() == 0.0 && value >= i64::MIN as f64 && value <= i64::MAX as f64;
        anyhow::ensure!(exact, "{value} is no {dtype}");
        Ok(value as i64)
    };
    Ok(match dtype {
        DType::F64 => HostData::F64(vec![value; count]),
        DType::F32 => HostData::F32(vec![value as f32; count]),
        DType::F16 => HostData::F16(vec![f16::from_f64(value); count]),
        DType::BF16 => HostData::BF16(vec![bf16::from_f64(value); count]),
        DType::I64 => HostData::I64(vec![whole()?; count]),
        DType::I32 => HostData::I32(vec![i32::try_from(whole()?)?; count]),
        DType::I16 => HostData::I16(vec![i16::try_from(whole()?)?; count]),
        DType::I8 => HostData::I8(vec![i8::try_from(whole()?)?; count]),
        DType::U64 => HostData::U64(vec![u64::try_from(whole()?)?; count]),
        DType::U32 => HostData::U32(vec![u32::try_from(whole()?)?; count]),
        DType::U16 => HostData::U16(vec![u16::try_from(whole()?)?; count]),
        DType::U8 => HostData::U8(vec![u8::try_from(whole()?)?; count]),
        DType::Bool => HostData::Bool(vec![u8::from(value != 0.0); count]),
    })
}

impl Emitter {
    /// `x` as `dtype`; nothing happens where it is that already.
    pub fn cast(&mut self, x: &Tensor, dtype: DType) -> Tensor {
        if x.dtype() == dtype {
            return x.clone();
        }
        let mut spec = x.spec().clone();
        spec.dtype = dtype;
        let to = i64::from(i32::from(data_type(dtype)));
        self.call("Cast", &[x]).int("to", to).one(spec)
    }

    /// Indices in a type that ONNX takes as such.
    pub fn index(&mut self, x: &Tensor) -> Tensor {
        match x.dtype() {
            DType::I32 | DType::I64 => x.clone(),
            _ => self.cast(x, DType::I64),
        }
    }

    /// Where `condition` holds `a`, else `b`; all broadcast. ONNX Runtime chooses no bool values.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn choose(&mut self, condition: &Tensor, a: &Tensor, b: &Tensor) -> anyhow::Result<Tensor> {
        let dtype = a.dtype();
        let stored = arithmetic(dtype);
        let (a, b) = (self.cast(a, stored), self.cast(b, stored));
        let shape = condition.shape().broadcast(a.shape())?;
        let shape = shape.broadcast(b.shape())?;
        let call = self.call("Where", &[condition, &a, &b]);
        let chosen = call.one(a.spec().with_shape(shape));
        Ok(self.cast(&chosen, dtype))
    }
}

/// The type in which ONNX Runtime computes: it has no arithmetic for the short integers and bool.
pub(crate) fn arithmetic(dtype: DType) -> DType {
    match dtype {
        DType::I16 | DType::I8 | DType::U16 | DType::U8 | DType::Bool => DType::I32,
        DType::U32 | DType::U64 => DType::I64,
        other => other,
    }
}
