//! What the preprocessors need to know about the graph's inputs.

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::dtype::DType;
use nongemm_core::plugin::RequestedInput;
use nongemm_core::tensor::{HostData, HostTensor};

/// The sizes of an input of `rank` dimensions whose first one is the batch.
pub(crate) fn sizes(input: &RequestedInput, batch: usize, rank: usize) -> Result<Vec<usize>> {
    let RequestedInput { name, spec, .. } = input;
    let sizes = spec.shape.known().with_context(|| {
        format!(
            "input `{name}` has the open shape {}; its sizes must be known",
            spec.shape
        )
    })?;
    ensure!(
        sizes.len() == rank && sizes[0] == batch,
        "input `{name}` has the shape {}, not {rank} dimensions with a batch of {batch}",
        spec.shape
    );
    Ok(sizes)
}

/// Token ids, masks or positions as a tensor of the input's own integer type.
pub(crate) fn integers(values: Vec<i64>, input: &RequestedInput) -> Result<HostTensor> {
    let RequestedInput { name, spec, .. } = input;
    let shape = spec
        .shape
        .known()
        .context("the sizes were checked before")?;
    let data = match spec.dtype {
        DType::I64 => HostData::I64(values),
        DType::I32 => HostData::I32(narrow(values)?),
        DType::U32 => HostData::U32(narrow(values)?),
        other => bail!("input `{name}` is {other}; token inputs are i64, i32 or u32"),
    };
    HostTensor::new(shape, data)
}

fn narrow<T: TryFrom<i64>>(values: Vec<i64>) -> Result<Vec<T>>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    Ok(values
        .into_iter()
        .map(T::try_from)
        .collect::<Result<_, _>>()?)
}
