//! The same elements in another shape or order.

use nongemm_core::shape::{Dim, Shape};
use nongemm_operators::{
    Expand, ExpandAs, Flatten, Meshgrid, Permute, Repeat, Reshape, Squeeze, Transpose, Unsqueeze,
    View,
};

use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

/// To the shape that the graph infers.
fn reshaped(e: &mut Emitter, x: &Tensor) -> anyhow::Result<Vec<Tensor>> {
    let shape = e.output(0).shape;
    Ok(vec![e.reshape(x, &shape)?.known_as(shape)])
}

impl Emit for View {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        reshaped(e, &inputs[0])
    }
}

register_emit!(View);

impl Emit for Reshape {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        reshaped(e, &inputs[0])
    }
}

register_emit!(Reshape);

impl Emit for Flatten {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        reshaped(e, &inputs[0])
    }
}

register_emit!(Flatten);

impl Emit for Unsqueeze {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let rank = x.rank() as i64 + 1;
        let axis = if self.dim < 0 {
            self.dim + rank
        } else {
            self.dim
        };
        Ok(vec![e.unsqueeze(x, usize::try_from(axis)?)])
    }
}

register_emit!(Unsqueeze);

impl Emit for Squeeze {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let dims = x.shape().dims();
        let named: Vec<usize> = match self.dim {
            Some(dim) => vec![x.shape().axis(dim)?],
            None => (0..dims.len()).collect(),
        };
        let axes = named
            .into_iter()
            .filter(|&axis| dims[axis] == Dim::Known(1));
        let axes: Vec<usize> = axes.collect();
        Ok(vec![e.squeeze(x, &axes)])
    }
}

register_emit!(Squeeze);

impl Emit for Permute {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let order = self.dims.iter().map(|&dim| x.shape().axis(dim));
        let order = order.collect::<Result<Vec<usize>, _>>()?;
        Ok(vec![e.transpose(x, &order)])
    }
}

register_emit!(Permute);

impl Emit for Transpose {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let mut order: Vec<usize> = (0..x.rank()).collect();
        order.swap(x.shape().axis(self.dim0)?, x.shape().axis(self.dim1)?);
        Ok(vec![e.transpose(x, &order)])
    }
}

register_emit!(Transpose);

/// A size of 1 stands for the size that is there.
impl Emit for Expand {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, spec) = (&inputs[0], e.output(0));
        if *x.spec() == spec {
            return Ok(vec![x.clone()]);
        }
        let sizes = self
            .size
            .iter()
            .map(|&size| if size < 0 { 1 } else { size });
        let sizes: Vec<i64> = sizes.collect();
        let sizes = e.ints(&sizes);
        Ok(vec![e.call("Expand", &[x, &sizes]).one(spec)])
    }
}

register_emit!(Expand);

impl Emit for ExpandAs {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, other) = (&inputs[0], &inputs[1]);
        Ok(vec![e.expand(x, other.shape(), other)])
    }
}

register_emit!(ExpandAs);

impl Emit for Repeat {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let (x, spec) = (&inputs[0], e.output(0));
        let added = self.repeats.len() - x.rank();
        let front = std::iter::repeat_n(Dim::Known(1), added);
        let dims = front.chain(x.shape().dims().iter().cloned());
        let x = e.reshape(x, &Shape::new(dims))?;
        if self.repeats.iter().all(|&times| times == 1) {
            return Ok(vec![x]);
        }
        let repeats: Vec<i64> = self.repeats.iter().map(|&times| times as i64).collect();
        let repeats = e.ints(&repeats);
        Ok(vec![e.call("Tile", &[&x, &repeats]).one(spec)])
    }
}

register_emit!(Repeat);

impl Emit for Meshgrid {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        let [rows, columns] = [&inputs[0], &inputs[1]].map(|x| e.sizes(x, 0, 1));
        let sizes = match spec.shape.known() {
            Some(known) => e.ints(&[known[0] as i64, known[1] as i64]),
            None => e.join_sizes(&[&rows, &columns]),
        };
        let tall = e.unsqueeze(&inputs[0], 1);
        let first = e.call("Expand", &[&tall, &sizes]).one(spec.clone());
        let second = e.call("Expand", &[&inputs[1], &sizes]).one(spec);
        Ok(vec![first, second])
    }
}

register_emit!(Meshgrid);
