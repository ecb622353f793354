//! PyTorch's element types.

use nongemm_core::dtype::DType;

use crate::checkpoint::ElementType;

/// An element type of PyTorch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// As in `torch.float32`.
    name: &'static str,
    /// As in `torch.FloatStorage`, for those that have a storage class.
    storage: &'static str,
    /// Bytes of an element.
    pub(super) size: usize,
    known: Option<DType>,
}

impl Scalar {
    pub(super) fn element_type(&self) -> ElementType {
        match self.known {
            Some(dtype) => ElementType::Known(dtype),
            None => ElementType::Other(self.name.to_owned()),
        }
    }
}

const fn scalar(
    name: &'static str,
    storage: &'static str,
    size: usize,
    known: Option<DType>,
) -> Scalar {
    Scalar {
        name,
        storage,
        size,
        known,
    }
}

/// All that a file can name. Storages without a type of their own count bytes.
static SCALARS: &[Scalar] = &[
    scalar("float32", "FloatStorage", 4, Some(DType::F32)),
    scalar("float64", "DoubleStorage", 8, Some(DType::F64)),
    scalar("float16", "HalfStorage", 2, Some(DType::F16)),
    scalar("bfloat16", "BFloat16Storage", 2, Some(DType::BF16)),
    scalar("int64", "LongStorage", 8, Some(DType::I64)),
    scalar("int32", "IntStorage", 4, Some(DType::I32)),
    scalar("int16", "ShortStorage", 2, Some(DType::I16)),
    scalar("int8", "CharStorage", 1, Some(DType::I8)),
    scalar("uint8", "ByteStorage", 1, Some(DType::U8)),
    scalar("uint8", "UntypedStorage", 1, Some(DType::U8)),
    scalar("bool", "BoolStorage", 1, Some(DType::Bool)),
    scalar("complex64", "ComplexFloatStorage", 8, None),
    scalar("complex128", "ComplexDoubleStorage", 16, None),
    scalar("qint8", "QInt8Storage", 1, None),
    scalar("quint8", "QUInt8Storage", 1, None),
    scalar("qint32", "QInt32Storage", 4, None),
    scalar("quint4x2", "QUInt4x2Storage", 1, None),
    scalar("quint2x4", "QUInt2x4Storage", 1, None),
    scalar("uint16", "", 2, Some(DType::U16)),
    scalar("uint32", "", 4, Some(DType::U32)),
    scalar("uint64", "", 8, Some(DType::U64)),
    scalar("complex32", "", 4, None),
    scalar("float8_e4m3fn", "", 1, None),
    scalar("float8_e4m3fnuz", "", 1, None),
    scalar("float8_e5m2", "", 1, None),
    scalar("float8_e5m2fnuz", "", 1, None),
    scalar("float8_e8m0fnu", "", 1, None),
    scalar("float4_e2m1fn_x2", "", 1, None),
];

/// The type of a storage class.
pub(super) fn of_storage(class: &str) -> Option<&'static Scalar> {
    SCALARS
        .iter()
        .find(|scalar| !class.is_empty() && scalar.storage == class)
}

/// The type of a name such as `float32`.
pub(super) fn of_dtype(name: &str) -> Option<&'static Scalar> {
    SCALARS.iter().find(|scalar| scalar.name == name)
}
