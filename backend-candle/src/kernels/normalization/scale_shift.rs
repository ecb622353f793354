//! `x scale + shift` with one scale and one shift for each channel (dimension 1).
//!
//! On the CPU this is a single pass over the data: candle's tensor operations would need two, and its
//! `BatchNorm` takes four.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, DType, Error, Layout, Result, Shape, Tensor, WithDType};
use half::{bf16, f16};
use rayon::prelude::*;

/// Elements that one task handles at the least; below this, handing them out costs more than it saves.
const TASK: usize = 16 * 1024;

/// Scales and shifts each channel of `x`.
pub(super) fn scale_shift(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let channels = x.dim(1)?;
    if x.device().is_cpu() && x.elem_count() > 0 {
        let wide = match x.dtype() {
            DType::F16 | DType::BF16 => DType::F32,
            dtype => dtype,
        };
        let parameter = |t: &Tensor| t.to_dtype(wide)?.contiguous();
        let (scale, shift) = (parameter(scale)?, parameter(shift)?);
        return x
            .contiguous()?
            .apply_op3_no_bwd(&scale, &shift, &ScaleShift);
    }
    let mut shape = vec![1; x.rank()];
    shape[1] = channels;
    let parameter = |t: &Tensor| t.to_dtype(x.dtype())?.reshape(shape.as_slice());
    x.broadcast_mul(&parameter(scale)?)?
        .broadcast_add(&parameter(shift)?)
}

/// Takes contiguous tensors; for 16-bit tensors, scale and shift are `f32`.
struct ScaleShift;

impl CustomOp3 for ScaleShift {
    fn name(&self) -> &'static str {
        "scale-shift"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        use CpuStorage::{BF16, F16, F32, F64};
        let [lx, la, lb] = [layout, scale_layout, shift_layout];
        let y = match (x, scale, shift) {
            (F64(x), F64(a), F64(b)) => {
                F64(planes((x, lx), (a, la), (b, lb), |x, a, b| x * a + b)?)
            }
            (F32(x), F32(a), F32(b)) => {
                F32(planes((x, lx), (a, la), (b, lb), |x, a, b| x * a + b)?)
            }
            (F16(x), F32(a), F32(b)) => F16(planes((x, lx), (a, la), (b, lb), |x, a, b| {
                f16::from_f32(x.to_f32() * a + b)
            })?),
            (BF16(x), F32(a), F32(b)) => BF16(planes((x, lx), (a, la), (b, lb), |x, a, b| {
                bf16::from_f32(x.to_f32() * a + b)
            })?),
            _ => return Err(Error::UnsupportedDTypeForOp(x.dtype(), "scale-shift")),
        };
        Ok((y, layout.shape().clone()))
    }
}

type Strided<'a, T> = (&'a [T], &'a Layout);

/// `function(x, scale, shift)` of each element with the parameters of its channel.
fn planes<T: WithDType, P: WithDType>(
    x: Strided<'_, T>,
    scale: Strided<'_, P>,
    shift: Strided<'_, P>,
    function: impl Fn(T, P, P) -> T + Sync,
) -> Result<Vec<T>> {
    let [_, channels, rest @ ..] = x.1.dims() else {
        return Err(Error::Msg("scale-shift needs channels".to_owned()));
    };
    let plane: usize = rest.iter().product();
    let (x, scale, shift) = (dense(x)?, dense(scale)?, dense(shift)?);
    if scale.len() != *channels || shift.len() != *channels {
        return Err(Error::Msg(
            "scale-shift needs one scale and one shift per channel".to_owned(),
        ));
    }
    let mut y: Vec<T> = Vec::with_capacity(x.len());
    y.spare_capacity_mut()[..x.len()]
        .par_chunks_mut(plane)
        .zip(x.par_chunks(plane))
        .enumerate()
        .with_min_len(TASK.div_ceil(plane))
        .for_each(|(index, (y, x))| {
            let (scale, shift) = (scale[index % channels], shift[index % channels]);
            for (y, &x) in y.iter_mut().zip(x) {
                y.write(function(x, scale, shift));
            }
        });
    // SAFETY: the chunks of `y` and `x` have equal lengths and cover the first `x.len()` elements.
    unsafe { y.set_len(x.len()) };
    Ok(y)
}

fn dense<'a, T>((data, layout): Strided<'a, T>) -> Result<&'a [T]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or(Error::RequiresContiguous { op: "scale-shift" })?;
    Ok(&data[start..end])
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn every_channel_gets_its_own() {
        for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
            let x = Tensor::arange(0f32, 12.0, &Device::Cpu).unwrap();
            let x = x.reshape((2, 3, 2)).unwrap().to_dtype(dtype).unwrap();
            let scale = Tensor::new(&[1f32, 2.0, 0.0], &Device::Cpu).unwrap();
            let shift = Tensor::new(&[0f32, -1.0, 5.0], &Device::Cpu).unwrap();
            let y = scale_shift(&x, &scale, &shift)
                .unwrap()
                .to_dtype(DType::F32)
                .unwrap();
            let y = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(
                y,
                [0., 1., 3., 5., 5., 5., 6., 7., 15., 17., 5., 5.],
                "{dtype:?}"
            );
        }
    }
}
