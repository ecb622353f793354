//! `softmax` and `log_softmax`.

use nongemm_core::dtype::DType;
use nongemm_operators::{LogSoftmax, Softmax};

use super::{Emit, Emitter, Tensor};
use crate::register_emit;

fn along(
    e: &mut Emitter,
    op_type: &str,
    x: &Tensor,
    dim: i64,
    dtype: Option<DType>,
) -> anyhow::Result<Vec<Tensor>> {
    let x = e.cast(x, dtype.unwrap_or(x.dtype()));
    if x.rank() == 0 {
        // ONNX needs a dimension.
        let row = e.unsqueeze(&x, 0);
        let call = e.call(op_type, &[&row]).int("axis", 0);
        let row = call.one(row.spec().clone());
        return Ok(vec![e.squeeze(&row, &[0])]);
    }
    let axis = x.shape().axis(dim)? as i64;
    // The last dimension by its usual name, which some fusions ask for.
    let axis = if axis + 1 == x.rank() as i64 {
        -1
    } else {
        axis
    };
    let call = e.call(op_type, &[&x]).int("axis", axis);
    Ok(vec![call.one(x.spec().clone())])
}

impl Emit for Softmax {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        along(e, "Softmax", &inputs[0], self.dim, self.dtype)
    }
}

register_emit!(Softmax);

impl Emit for LogSoftmax {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        along(e, "LogSoftmax", &inputs[0], self.dim, self.dtype)
    }
}

register_emit!(LogSoftmax);
