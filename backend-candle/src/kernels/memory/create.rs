//! New tensors, and other element types.

use candle_core::{DType, Device, Result, Tensor};
use nongemm_core::dtype::DType as HostType;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{Arange, Fill, Full, FullKind, FullLike, OneHot, To};

use crate::convert::to_candle;
use crate::engine::Candle;
use crate::kernels::{no_bytes, one};
use crate::promote::truth;
use crate::register_kernel;

impl Eval<Candle> for Arange {
    fn eval(&self, engine: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let Arange {
            start, end, step, ..
        } = *self;
        let end = match inputs {
            [like] if self.rows => like.dim(0)? as i64,
            _ => end,
        };
        let next = |&value: &i64| value.checked_add(step);
        let inside = |&value: &i64| if step > 0 { value < end } else { value > end };
        let values: Vec<i64> = std::iter::successors(Some(start), next)
            .take_while(inside)
            .collect();
        one(Tensor::new(values, engine.device())?.to_dtype(to_candle(self.dtype)?))
    }
}

register_kernel!(Arange);

impl Eval<Candle> for Full {
    fn eval(&self, engine: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        if self.kind == FullKind::Empty
            && let [elements] = inputs
        {
            return one(elements.copy());
        }
        let rows = match inputs {
            [like] if self.rows => Some(like.dim(0)?),
            _ => None,
        };
        let size: Vec<usize> = rows.into_iter().chain(self.size.iter().copied()).collect();
        one(filled(
            &size,
            self.value,
            to_candle(self.dtype)?,
            engine.device(),
        ))
    }
}

register_kernel!(Full);

impl Eval<Candle> for FullLike {
    fn eval(&self, engine: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(filled(
            inputs[0].dims(),
            self.fill_value,
            to_candle(self.dtype)?,
            engine.device(),
        ))
    }
}

register_kernel!(FullLike);

impl Eval<Candle> for Fill {
    fn eval(&self, engine: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        one(filled(x.dims(), self.value, x.dtype(), engine.device()))
    }
}

register_kernel!(Fill);

/// A tensor of one value.
pub(super) fn filled(shape: &[usize], value: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    if value == 0.0 {
        Tensor::zeros(shape, dtype, device)
    } else {
        scalar(value, dtype, device)?
            .broadcast_as(shape)?
            .contiguous()
    }
}

/// A tensor without dimensions.
pub(super) fn scalar(value: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    Tensor::new(value, device)?.to_dtype(dtype)
}

/// candle has no such operation: each number is compared with all places.
impl Eval<Candle> for OneHot {
    fn eval(&self, engine: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let places = Tensor::arange(0, self.num_classes as i64, engine.device())?;
        let numbers = inputs[0].unsqueeze(inputs[0].rank())?;
        one(numbers.broadcast_eq(&places)?.to_dtype(DType::I64))
    }
}

register_kernel!(OneHot);

impl Eval<Candle> for To {
    fn takes(&self, inputs: &[TensorSpec]) -> bool {
        self.dtype != HostType::Bool || no_bytes(inputs)
    }

    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        one(match self.dtype {
            HostType::Bool => Ok(truth(inputs[0])?.into_owned()),
            dtype => inputs[0].to_dtype(to_candle(dtype)?),
        })
    }
}

register_kernel!(To);
