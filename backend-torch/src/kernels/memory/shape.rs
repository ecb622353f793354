//! Shapes and the order of dimensions: views, except where the operator says that it copies.

use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::{
    CloneTensor, Contiguous, Expand, ExpandAs, Flatten, Identity, IdentityKind, Meshgrid, Permute,
    Reshape, Squeeze, Transpose, Unsqueeze, View,
};

use crate::engine::{Tensor, Torch};
use crate::kernels::{missing, several, shim, single, wrong_inputs};
use crate::register_kernel;

impl Eval<Torch> for Identity {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let x = inputs[0];
        single(match self.kind {
            IdentityKind::Alias => x.f_alias(),
            IdentityKind::LiftFresh => x.f_lift_fresh(),
            IdentityKind::Detach if self.inplace => x.shallow_clone().f_detach_(),
            IdentityKind::Detach => x.f_detach(),
        })
    }
}

register_kernel!(Identity);

impl Eval<Torch> for CloneTensor {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        shim(missing::clone(inputs[0]))
    }
}

register_kernel!(CloneTensor);

impl Eval<Torch> for Contiguous {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_contiguous())
    }
}

register_kernel!(Contiguous);

impl Eval<Torch> for View {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_view_(&self.size[..]))
    }
}

register_kernel!(View);

impl Eval<Torch> for Reshape {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_reshape(&self.shape[..]))
    }
}

register_kernel!(Reshape);

impl Eval<Torch> for Flatten {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_flatten(self.start_dim, self.end_dim))
    }
}

register_kernel!(Flatten);

impl Eval<Torch> for Transpose {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_transpose(self.dim0, self.dim1))
    }
}

register_kernel!(Transpose);

impl Eval<Torch> for Permute {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_permute(&self.dims[..]))
    }
}

register_kernel!(Permute);

impl Eval<Torch> for Expand {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let implicit = false;
        single(inputs[0].f_expand(&self.size[..], implicit))
    }
}

register_kernel!(Expand);

impl Eval<Torch> for ExpandAs {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[x, other] = inputs else {
            return wrong_inputs("two tensors", inputs);
        };
        single(x.f_expand_as(other))
    }
}

register_kernel!(ExpandAs);

impl Eval<Torch> for Meshgrid {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[rows, columns] = inputs else {
            return wrong_inputs("rows and columns", inputs);
        };
        let vectors = [&rows.0, &columns.0];
        several(tch::Tensor::f_meshgrid_indexing(&vectors, "ij"))
    }
}

register_kernel!(Meshgrid);

impl Eval<Torch> for Squeeze {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(match self.dim {
            Some(dim) => inputs[0].f_squeeze_dim(dim),
            None => inputs[0].f_squeeze(),
        })
    }
}

register_kernel!(Squeeze);

impl Eval<Torch> for Unsqueeze {
    fn eval(&self, _: &Torch, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        single(inputs[0].f_unsqueeze(self.dim))
    }
}

register_kernel!(Unsqueeze);
