//! Elements chosen by indices.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Gather, Index, IndexSelect};
use smallvec::SmallVec;

use crate::engine::{Tensor, Torch};
use crate::kernels::{single, wrong_inputs};
use crate::register_kernel;

impl Eval<Torch> for Index {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let [x, indices @ ..] = inputs else {
            return wrong_inputs("a tensor and indices", inputs);
        };
        let indices: SmallVec<[Option<&tch::Tensor>; 4]> =
            indices.iter().map(|index| Some(&index.0)).collect();
        single(x.f_index(&indices))
    }
}

register_kernel!(Index);

impl Eval<Torch> for IndexSelect {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, index] = inputs else {
            return wrong_inputs("a tensor and an index", inputs);
        };
        single(x.f_index_select(self.dim, index))
    }
}

register_kernel!(IndexSelect);

impl Eval<Torch> for Gather {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, index] = inputs else {
            return wrong_inputs("a tensor and an index", inputs);
        };
        let sparse_grad = false;
        single(x.f_gather(self.dim, index, sparse_grad))
    }
}

register_kernel!(Gather);
