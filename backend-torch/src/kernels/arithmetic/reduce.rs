//! Reductions.

use anyhow::bail;
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Reduce, ReduceKind};
use tch::TchError;

use crate::engine::{Tensor, Torch};
use crate::kernels::{single, two};
use crate::register_kernel;

impl Eval<Torch> for Reduce {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (x, dims, keep) = (inputs[0], &self.dims[..], self.keepdim);
        let everything = dims.is_empty() && !keep;
        single(match self.kind {
            ReduceKind::Sum if everything => x.f_sum(None),
            ReduceKind::Sum => x.f_sum_dim_intlist(dims, keep, None),
            ReduceKind::Mean if everything => x.f_mean(None),
            ReduceKind::Mean => x.f_mean_dim(dims, keep, None),
            ReduceKind::Amax => x.f_amax(dims, keep),
            ReduceKind::Amin => x.f_amin(dims, keep),
            ReduceKind::Argmax => x.f_argmax(dims.first().copied(), keep),
            ReduceKind::All => match dims {
                [] if everything => x.f_all(),
                &[dim] => x.f_all_dim(dim, keep),
                dims => x.f_all_dims(dims, keep),
            },
            ReduceKind::Any => match dims {
                [] if everything => x.f_any(),
                &[dim] => x.f_any_dim(dim, keep),
                dims => x.f_any_dims(dims, keep),
            },
            ReduceKind::Max => match dims {
                [] if x.numel() == 0 => of_nothing(x, f64::NEG_INFINITY),
                [] => x.f_max(),
                &[dim] => return two(x.f_max_dim(dim, keep)),
                _ => bail!("takes one dimension or none"),
            },
            ReduceKind::Min => match dims {
                [] if x.numel() == 0 => of_nothing(x, f64::INFINITY),
                [] => x.f_min(),
                &[dim] => return two(x.f_min_dim(dim, keep)),
                _ => bail!("takes one dimension or none"),
            },
        })
    }
}

/// The extreme of no element, which libtorch refuses: graphs go on where no box was found, and nothing
/// reads this then.
fn of_nothing(x: &Tensor, extreme: f64) -> Result<tch::Tensor, TchError> {
    tch::Tensor::f_full([0i64; 0], extreme, (x.kind(), x.device()))
}

register_kernel!(Reduce);
