//! Numbers that a model holds and no checkpoint does.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::tensor::{HostData, HostTensor};

/// A constant, named as the reference names its buffer.
///
/// # Errors
/// When the data do not fill the shape.
pub(crate) fn constant<const N: usize>(
    g: &mut GraphBuilder,
    name: &str,
    shape: [usize; N],
    data: HostData,
) -> Result<Value, BuildError> {
    let tensor = HostTensor::new(shape, data);
    let tensor = tensor.map_err(|e| BuildError::config(format!("{name}: {e}")))?;
    Ok(g.constant(name, tensor))
}
