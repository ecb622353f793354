//! `topk`, `sort`, `_unique2`.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Sort, Topk, Unique};
use smallvec::smallvec;

use crate::engine::{Tensor, Torch};
use crate::ffi::said;
use crate::kernels::two;
use crate::register_kernel;

impl Eval<Torch> for Topk {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (largest, sorted) = (true, true);
        two(inputs[0].f_topk(self.k as i64, self.dim, largest, sorted))
    }
}

register_kernel!(Topk);

impl Eval<Torch> for Sort {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        two(inputs[0].f_sort(self.dim, self.descending))
    }
}

register_kernel!(Sort);

impl Eval<Torch> for Unique {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (sorted, inverse, counts) = (true, false, false);
        let outputs = inputs[0].f_internal_unique2(sorted, inverse, counts);
        let (values, inverse, counts) = outputs.map_err(said)?;
        Ok(smallvec![Tensor(values), Tensor(inverse), Tensor(counts)])
    }
}

register_kernel!(Unique);
