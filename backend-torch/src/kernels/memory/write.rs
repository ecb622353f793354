//! Tensors written over. Values of a graph do not change, but nothing reads the old one later.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{CopyInto, Fill, IndexAdd, IndexPut};

use crate::engine::{Tensor, Torch};
use crate::kernels::{missing, shim, single, wrong_inputs};
use crate::register_kernel;

impl Eval<Torch> for CopyInto {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[part, source, whole] = inputs else {
            return wrong_inputs("a part, a source and the whole", inputs);
        };
        shim(missing::copy_into(
            [part, source, whole],
            self.dim,
            self.index as i64,
        ))
    }
}

register_kernel!(CopyInto);

impl Eval<Torch> for Fill {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::fill(inputs[0], self.value))
    }
}

register_kernel!(Fill);

impl Eval<Torch> for IndexPut {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, index, values] = inputs else {
            return wrong_inputs("a tensor, an index and values", inputs);
        };
        let accumulate = false;
        let mut x = x.shallow_clone();
        single(x.f_index_put_(&[Some(&index.0)], values, accumulate))
    }
}

register_kernel!(IndexPut);

impl Eval<Torch> for IndexAdd {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, index, source] = inputs else {
            return wrong_inputs("a tensor, an index and a source", inputs);
        };
        single(x.shallow_clone().f_index_add_(self.dim, index, source))
    }
}

register_kernel!(IndexAdd);
