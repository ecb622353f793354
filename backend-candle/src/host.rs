//! Tensors read, written and computed on the host, where candle has no operation for them.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, DType, Device, Error, InplaceOp2, Layout, Result, Storage, Tensor, WithDType,
};

/// The elements as `i64`, row-major.
pub(crate) fn integers(x: &Tensor) -> Result<Vec<i64>> {
    x.to_dtype(DType::I64)?.flatten_all()?.to_vec1()
}

/// A tensor like `like` (shape, type, device) from its elements as `i64`.
pub(crate) fn from_integers(values: Vec<i64>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.dims(), like.device())?.to_dtype(like.dtype())
}

/// Calls `body` with the elements, row-major; without a copy where they are that in host memory.
pub(crate) fn with_elements<T: WithDType, R>(
    x: &Tensor,
    body: impl FnOnce(&[T]) -> R,
) -> Result<R> {
    let x = x.to_device(&Device::Cpu)?.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        candle_core::bail!("a tensor in host memory was expected");
    };
    let (start, end) = dense(layout)?;
    Ok(body(&T::cpu_storage_as_slice(storage)?[start..end]))
}

fn dense(layout: &Layout) -> Result<(usize, usize)> {
    let offsets = layout.contiguous_offsets();
    offsets.ok_or_else(|| Error::RequiresContiguous { op: "host" })
}

/// Writes runs of `source` into `target`: `(offset in target, offset in source, length)` each, in
/// elements. In place where both are dense in host memory.
pub(crate) fn write_runs(
    target: &Tensor,
    source: &Tensor,
    runs: Vec<(usize, usize, usize)>,
) -> Result<Tensor> {
    let host = target.to_device(&Device::Cpu)?.contiguous()?;
    let source = source.to_device(&Device::Cpu)?.contiguous()?;
    if !runs.is_empty() {
        host.inplace_op2(&source, &WriteRuns(runs))?;
    }
    host.to_device(target.device())
}

struct WriteRuns(Vec<(usize, usize, usize)>);

impl WriteRuns {
    fn write<T: Copy>(
        &self,
        target: &mut [T],
        target_layout: &Layout,
        source: &[T],
        source_layout: &Layout,
    ) -> Result<()> {
        let (start, end) = dense(target_layout)?;
        let target = &mut target[start..end];
        let (start, end) = dense(source_layout)?;
        let source = &source[start..end];
        for &(to, from, count) in &self.0 {
            target[to..to + count].copy_from_slice(&source[from..from + count]);
        }
        Ok(())
    }
}

impl InplaceOp2 for WriteRuns {
    fn name(&self) -> &'static str {
        "write-runs"
    }

    fn cpu_fwd(
        &self,
        target: &mut CpuStorage,
        lt: &Layout,
        source: &CpuStorage,
        ls: &Layout,
    ) -> Result<()> {
        use CpuStorage::{BF16, F16, F32, F64, I32, I64, U8, U32};
        match (target, source) {
            (F64(t), F64(s)) => self.write(t, lt, s, ls),
            (F32(t), F32(s)) => self.write(t, lt, s, ls),
            (F16(t), F16(s)) => self.write(t, lt, s, ls),
            (BF16(t), BF16(s)) => self.write(t, lt, s, ls),
            (I64(t), I64(s)) => self.write(t, lt, s, ls),
            (I32(t), I32(s)) => self.write(t, lt, s, ls),
            (U32(t), U32(s)) => self.write(t, lt, s, ls),
            (U8(t), U8(s)) => self.write(t, lt, s, ls),
            (_, source) => Err(Error::UnsupportedDTypeForOp(source.dtype(), "write-runs")),
        }
    }
}

/// The type to compute in: `f64` stays, everything else is `f32`.
pub(crate) fn wide(dtype: DType) -> DType {
    if dtype == DType::F64 {
        DType::F64
    } else {
        DType::F32
    }
}

/// Floating-point numbers of the two types that kernels on the host compute in.
pub(crate) trait Real: WithDType + std::ops::Neg<Output = Self> {
    /// The largest number of this type that is not above `x`.
    fn at_most(x: f64) -> Self;
    /// Rounded to a whole number, downwards.
    fn floor(self) -> Self;
    /// Rounded to a whole number, upwards.
    fn ceil(self) -> Self;
    /// Logarithm to base 2.
    fn log2(self) -> Self;
    /// A count, or a coordinate, as a number.
    fn of(count: usize) -> Self {
        Self::from_f64(count as f64)
    }
}

impl Real for f32 {
    fn at_most(x: f64) -> Self {
        let near = x as f32;
        if f64::from(near) > x {
            near.next_down()
        } else {
            near
        }
    }

    fn floor(self) -> Self {
        f32::floor(self)
    }

    fn ceil(self) -> Self {
        f32::ceil(self)
    }

    fn log2(self) -> Self {
        f32::log2(self)
    }
}

impl Real for f64 {
    fn at_most(x: f64) -> Self {
        x
    }

    fn floor(self) -> Self {
        f64::floor(self)
    }

    fn ceil(self) -> Self {
        f64::ceil(self)
    }

    fn log2(self) -> Self {
        f64::log2(self)
    }
}

/// The logarithm to base 2 of every element, in [`wide`] arithmetic; candle has only the natural one.
pub(crate) fn log2(x: &Tensor) -> Result<Tensor> {
    fn map<T: Real>(x: &Tensor) -> Result<Tensor> {
        let values = with_elements(x, |x: &[T]| x.iter().map(|x| x.log2()).collect::<Vec<T>>())?;
        Tensor::from_vec(values, x.dims(), x.device())
    }
    let wide = x.to_dtype(wide(x.dtype()))?;
    let y = match wide.dtype() {
        DType::F64 => map::<f64>(&wide)?,
        _ => map::<f32>(&wide)?,
    };
    y.to_dtype(x.dtype())
}
