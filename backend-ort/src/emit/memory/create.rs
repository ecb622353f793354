//! New tensors: `arange`, `full`, `zeros`, `full_like`, `fill_`, `one_hot`.

use nongemm_core::dtype::DType;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostData;
use nongemm_operators::{Arange, Fill, Full, FullLike, OneHot};

use crate::emit::convert::arithmetic;
use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for Arange {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let mut spec = e.output(0);
        spec.dtype = if self.dtype.is_float() && self.dtype.size() < 4 {
            DType::F32
        } else {
            arithmetic(self.dtype)
        };
        let number = |e: &mut Emitter, value: i64| e.number(value as f64, spec.dtype);
        let end = match inputs {
            [x] => {
                let size = e.size(x, 0)?;
                e.cast(&size, spec.dtype)
            }
            _ => number(e, self.end)?,
        };
        let (start, step) = (number(e, self.start)?, number(e, self.step)?);
        let range = e.call("Range", &[&start, &end, &step]).one(spec.clone());
        Ok(vec![e.cast(&range, self.dtype)])
    }
}

register_emit!(Arange);

/// One value in the shape of `x`.
fn like(e: &mut Emitter, x: &Tensor, value: f64, spec: TensorSpec) -> anyhow::Result<Tensor> {
    let sizes = e.sizes(x, 0, x.rank());
    e.full(&sizes, value, spec)
}

impl Emit for Full {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        if let ([elements], false) = (inputs, self.rows)
            && *elements.spec() == spec
            && matches!(self.kind, nongemm_operators::FullKind::Empty)
        {
            return Ok(vec![elements.clone()]);
        }
        let sizes = match (spec.shape.known(), inputs) {
            (Some(sizes), _) => {
                let sizes: Vec<i64> = sizes.into_iter().map(|size| size as i64).collect();
                e.ints(&sizes)
            }
            (None, [x]) => {
                let rows = e.sizes(x, 0, 1);
                let rest: Vec<i64> = self.size.iter().map(|&size| size as i64).collect();
                let rest = e.ints(&rest);
                if self.size.is_empty() {
                    rows
                } else {
                    e.join_sizes(&[&rows, &rest])
                }
            }
            _ => anyhow::bail!("nothing says how many rows there are"),
        };
        Ok(vec![e.full(&sizes, self.value, spec)?])
    }
}

register_emit!(Full);

impl Emit for FullLike {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        Ok(vec![like(e, &inputs[0], self.fill_value, spec)?])
    }
}

register_emit!(FullLike);

impl Emit for Fill {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        Ok(vec![like(e, &inputs[0], self.value, spec)?])
    }
}

register_emit!(Fill);

impl Emit for OneHot {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let spec = e.output(0);
        let depth = e.number(self.num_classes as f64, DType::I64)?;
        let values = e.elements(&[2], HostData::I64(vec![0, 1]))?;
        let call = e.call("OneHot", &[&inputs[0], &depth, &values]);
        Ok(vec![call.int("axis", -1).one(spec)])
    }
}

register_emit!(OneHot);
