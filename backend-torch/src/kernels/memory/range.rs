//! Ranges of a dimension: views.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{Chunk, Select, Slice, Split, SplitWithSizes, Unbind};

use crate::engine::{Tensor, Torch};
use crate::ffi::said;
use crate::kernels::{Sizes, several, single, sizes};
use crate::register_kernel;

impl Eval<Torch> for Select {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_select(self.dim, self.index))
    }
}

register_kernel!(Select);

impl Eval<Torch> for Slice {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_slice(self.dim, self.start, self.end, self.step as i64))
    }
}

register_kernel!(Slice);

impl Eval<Torch> for Split {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        several(inputs[0].f_split(self.split_size as i64, self.dim))
    }
}

register_kernel!(Split);

impl Eval<Torch> for Chunk {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        several(inputs[0].f_chunk(self.chunks as i64, self.dim))
    }
}

register_kernel!(Chunk);

impl Eval<Torch> for SplitWithSizes {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let (x, like) = (inputs[0], &inputs[1..]);
        let mut pieces: Sizes = sizes(&self.split_sizes);
        for other in like {
            pieces.extend(other.size().first().copied());
        }
        several(x.f_split_with_sizes(&pieces[..], self.dim))
    }
}

register_kernel!(SplitWithSizes);

impl Eval<Torch> for Unbind {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let pieces = several(inputs[0].f_unbind(self.dim))?;
        match self.count {
            Some(count) if count != pieces.len() => counted(pieces, inputs[0], self.dim, count),
            _ => Ok(pieces),
        }
    }
}

register_kernel!(Unbind);

/// As many pieces as the graph has values for: the last one is repeated.
fn counted(
    mut pieces: Outputs<Tensor>,
    x: &Tensor,
    dim: i64,
    count: usize,
) -> anyhow::Result<Outputs<Tensor>> {
    let last = match pieces.last() {
        Some(last) => last.clone(),
        // None at all: zeros in the shape of a piece.
        None => {
            let keepdim = false;
            let options = x.f_kind().map_err(said)?;
            Tensor(x.f_sum_dim_intlist(dim, keepdim, options).map_err(said)?)
        }
    };
    pieces.resize(count, last);
    Ok(pieces)
}
