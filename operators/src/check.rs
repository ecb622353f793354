//! Rules that the shape inference of several operators shares.
//!
//! Nothing here panics or overflows, whatever the attributes and shapes are.

use nongemm_core::dtype::DType;
use nongemm_core::op::Cost;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};

/// What shape inference returns.
pub(crate) type Inferred = Result<Vec<TensorSpec>, ShapeError>;

/// Larger tensors (256 TiB) are errors, so that costs computed from their sizes cannot overflow.
const MAX_BYTES: usize = 1 << 48;

pub(crate) fn invalid(message: impl Into<String>) -> ShapeError {
    ShapeError::invalid(message)
}

pub(crate) fn ensure(condition: bool, message: impl FnOnce() -> String) -> Result<(), ShapeError> {
    if condition {
        Ok(())
    } else {
        Err(invalid(message()))
    }
}

/// The error for a wrong number of inputs where several numbers are right.
pub(crate) fn arity(expected: &str, inputs: &[TensorSpec]) -> ShapeError {
    ShapeError::Arity {
        expected: expected.to_owned(),
        found: inputs.len(),
    }
}

/// A single output, if its size is reasonable.
pub(crate) fn one(dtype: DType, shape: impl Into<Shape>) -> Inferred {
    Ok(vec![output(dtype, shape)?])
}

/// One output of several, if its size is reasonable.
pub(crate) fn output(dtype: DType, shape: impl Into<Shape>) -> Result<TensorSpec, ShapeError> {
    let spec = TensorSpec::new(dtype, shape);
    let bytes = spec
        .shape
        .dims()
        .iter()
        .filter_map(Dim::known)
        .try_fold(dtype.size(), usize::checked_mul);
    ensure(bytes.is_some_and(|bytes| bytes <= MAX_BYTES), || {
        format!("the result {spec} is too large")
    })?;
    Ok(spec)
}

pub(crate) fn rank(x: &TensorSpec, what: &str, rank: usize) -> Result<(), ShapeError> {
    ensure(x.shape.rank() == rank, || {
        format!("{what} must have {rank} dimensions, got {x}")
    })
}

pub(crate) fn float(x: &TensorSpec) -> Result<(), ShapeError> {
    ensure(x.dtype.is_float(), || {
        format!("takes floating-point tensors, got {x}")
    })
}

/// Whether the type can hold indices.
pub(crate) fn index(x: &TensorSpec) -> Result<(), ShapeError> {
    ensure(
        matches!(x.dtype, DType::I64 | DType::I32 | DType::U32),
        || format!("indices must be i64, i32 or u32, got {x}"),
    )
}

pub(crate) fn boolean(x: &TensorSpec, what: &str) -> Result<(), ShapeError> {
    ensure(x.dtype == DType::Bool, || {
        format!("{what} must be bool, got {x}")
    })
}

/// All tensors have the same floating-point type.
pub(crate) fn same_float(inputs: &[TensorSpec]) -> Result<(), ShapeError> {
    inputs.first().map_or(Ok(()), float)?;
    same_dtype(inputs)
}

pub(crate) fn same_dtype(inputs: &[TensorSpec]) -> Result<(), ShapeError> {
    let different = inputs
        .windows(2)
        .find(|pair| pair[0].dtype != pair[1].dtype);
    match different {
        None => Ok(()),
        Some(pair) => Err(invalid(format!(
            "inputs must have one dtype, got {} and {}",
            pair[0].dtype, pair[1].dtype
        ))),
    }
}

pub(crate) fn same_dim(what: &str, a: &Dim, b: &Dim) -> Result<(), ShapeError> {
    ensure(a == b, || format!("{what} must agree, got {a} and {b}"))
}

/// A parameter vector (weight, bias, running statistics) has `size` elements.
pub(crate) fn vector(x: &TensorSpec, what: &str, size: &Dim) -> Result<(), ShapeError> {
    ensure(x.shape.dims() == std::slice::from_ref(size), || {
        format!("{what} must have shape [{size}], got {x}")
    })
}

/// Batch dimensions and the two dimensions of the matrices.
pub(crate) fn matrix(x: &TensorSpec) -> Result<(&[Dim], &Dim, &Dim), ShapeError> {
    match x.shape.dims() {
        [batch @ .., rows, columns] => Ok((batch, rows, columns)),
        _ => Err(invalid(format!("takes matrices, got {x}"))),
    }
}

/// Number of positions of a sliding window (convolution, pooling), rounded down.
pub(crate) fn window(
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Result<usize, ShapeError> {
    ensure(kernel > 0 && stride > 0 && dilation > 0, || {
        "kernel, stride and dilation must be at least 1".to_owned()
    })?;
    let positions = || {
        let padded = size.checked_add(padding.checked_mul(2)?)?;
        let extent = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
        Some(padded.checked_sub(extent)? / stride + 1)
    };
    positions().ok_or_else(|| {
        invalid(format!(
            "a window of {kernel} (dilation {dilation}) does not fit into {size} (padding {padding})"
        ))
    })
}

/// Work of multiply-adds over `depth` elements for each element of the output, two operations each.
pub(crate) fn multiply_adds(depth: u64, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
    let elements = outputs.first().map_or(0, TensorSpec::elements);
    let flops = elements.saturating_mul(depth).saturating_mul(2);
    Cost::streaming(flops, inputs, outputs)
}

/// Operands of an element-wise operation, two tensors or a tensor and a scalar: the broadcast shape
/// and the common type.
pub(crate) fn operands(
    inputs: &[TensorSpec],
    scalar: Option<f64>,
) -> Result<(Shape, DType), ShapeError> {
    match (inputs, scalar) {
        ([x], Some(scalar)) => Ok((x.shape.clone(), promote_scalar(x.dtype, scalar))),
        ([a, b], None) => Ok((a.shape.broadcast(&b.shape)?, promote(a, b)?)),
        (_, Some(_)) => Err(arity("1", inputs)),
        (_, None) => Err(arity("2", inputs)),
    }
}

/// The only output of an element-wise operation; in place, it must be like the first input.
pub(crate) fn elementwise(
    shape: Shape,
    dtype: DType,
    inputs: &[TensorSpec],
    inplace: bool,
) -> Inferred {
    let outputs = one(dtype, shape)?;
    match (inplace, inputs.first()) {
        (true, Some(x)) if *x != outputs[0] => Err(invalid(format!(
            "the result {} cannot be written in place into {x}",
            outputs[0]
        ))),
        _ => Ok(outputs),
    }
}

/// Kind of a type in the order of promotion: bool, integer, floating-point.
fn category(dtype: DType) -> u8 {
    match dtype {
        DType::Bool => 0,
        float if float.is_float() => 2,
        _ => 1,
    }
}

/// The common type of two tensors by PyTorch's rule: a tensor without dimensions counts only where
/// its kind of type is higher.
///
/// # Errors
/// When they have no common type (`u16`, `u32` or `u64` and another integer).
pub fn promote(a: &TensorSpec, b: &TensorSpec) -> Result<DType, ShapeError> {
    let (ka, kb) = (category(a.dtype), category(b.dtype));
    match (a.shape.rank() == 0, b.shape.rank() == 0) {
        (false, true) if ka >= kb => Ok(a.dtype),
        (true, false) if kb >= ka => Ok(b.dtype),
        _ => promote_types(a.dtype, b.dtype),
    }
}

fn promote_types(a: DType, b: DType) -> Result<DType, ShapeError> {
    use DType::{BF16, F16, F32, I8, I16, U8, U16, U32, U64};
    let (low, high) = if category(a) <= category(b) {
        (a, b)
    } else {
        (b, a)
    };
    match (low, high) {
        (a, b) if a == b => Ok(a),
        (F16, BF16) | (BF16, F16) => Ok(F32),
        (a, b) if a.is_float() && b.is_float() => Ok(if a.size() > b.size() { a } else { b }),
        (DType::Bool, other) => Ok(other),
        (U16 | U32 | U64, _) | (_, U16 | U32 | U64) => {
            Err(invalid(format!("{a} and {b} have no common type")))
        }
        (_, float) if float.is_float() => Ok(float),
        (U8, I8) | (I8, U8) => Ok(I16),
        (a, b) => Ok(if a.size() > b.size() { a } else { b }),
    }
}

/// The common type of a tensor and a number. An attribute does not say whether its number was
/// written as an integer, so a whole number keeps integer tensors what they are.
pub fn promote_scalar(tensor: DType, scalar: f64) -> DType {
    match (category(tensor), scalar.fract() == 0.0) {
        (2, _) | (1, true) => tensor,
        (0, true) => DType::I64,
        _ => DType::F32,
    }
}
