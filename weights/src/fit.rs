//! What a parameter must be to be loaded at all.

use nongemm_core::dtype::DType;
use nongemm_core::shape::TensorSpec;

/// Sizes of the dimensions of a parameter, and how many elements they make.
///
/// # Errors
/// When a size is not known or the elements cannot be counted.
pub(crate) fn known_shape(name: &str, spec: &TensorSpec) -> anyhow::Result<(Vec<usize>, usize)> {
    match (spec.shape.known(), spec.shape.elements()) {
        (Some(shape), Some(count)) if count.checked_mul(spec.dtype.size()).is_some() => {
            Ok((shape, count))
        }
        _ => anyhow::bail!("parameter `{name}` has no usable shape: {spec}"),
    }
}

/// Calls a generic function with the element type of a floating-point dtype; `None` for other dtypes.
macro_rules! with_float {
    ($dtype:expr, $element:ident => $body:expr) => {
        match $dtype {
            $crate::fit::DTYPE::F64 => {
                type $element = f64;
                Some($body)
            }
            $crate::fit::DTYPE::F32 => {
                type $element = f32;
                Some($body)
            }
            $crate::fit::DTYPE::F16 => {
                type $element = half::f16;
                Some($body)
            }
            $crate::fit::DTYPE::BF16 => {
                type $element = half::bf16;
                Some($body)
            }
            _ => None,
        }
    };
}
pub(crate) use with_float;
