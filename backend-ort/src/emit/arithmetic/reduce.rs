//! `sum`, `mean`, `amax`, `all`, `argmax`, ...

use nongemm_core::dtype::DType;
use nongemm_core::shape::{Dim, Shape, TensorSpec};
use nongemm_operators::{Reduce, ReduceKind};

use super::compare::test;
use crate::emit::convert::{arithmetic, filled};
use crate::emit::{Emit, Emitter, Tensor};
use crate::register_emit;

impl Emit for Reduce {
    fn emit(&self, e: &mut Emitter, inputs: &[Tensor]) -> anyhow::Result<Vec<Tensor>> {
        let x = &inputs[0];
        let spec = e.output(0);
        match self.kind {
            ReduceKind::Sum => {
                let x = e.cast(x, spec.dtype);
                Ok(vec![fold(
                    e,
                    "ReduceSum",
                    &x,
                    &self.dims,
                    self.keepdim,
                    spec.shape,
                )])
            }
            ReduceKind::Mean => Ok(vec![fold(
                e,
                "ReduceMean",
                x,
                &self.dims,
                self.keepdim,
                spec.shape,
            )]),
            ReduceKind::Amax | ReduceKind::Max => self.extremum(e, x, "ReduceMax", "ArgMax"),
            ReduceKind::Amin | ReduceKind::Min => self.extremum(e, x, "ReduceMin", "ArgMin"),
            ReduceKind::All | ReduceKind::Any => Ok(vec![self.truth(e, x)?]),
            ReduceKind::Argmax => Ok(vec![self.place(e, x, "ArgMax", spec)?]),
        }
    }
}

register_emit!(Reduce);

fn fold(
    e: &mut Emitter,
    op_type: &str,
    x: &Tensor,
    dims: &[i64],
    keepdim: bool,
    shape: Shape,
) -> Tensor {
    let axes = if dims.is_empty() {
        Tensor::none()
    } else {
        e.ints(dims)
    };
    let call = e.call(op_type, &[x, &axes]);
    call.int("keepdims", keepdim.into())
        .one(x.spec().with_shape(shape))
}

trait Extremes {
    fn extremum(
        &self,
        e: &mut Emitter,
        x: &Tensor,
        value: &str,
        place: &str,
    ) -> anyhow::Result<Vec<Tensor>>;
    fn truth(&self, e: &mut Emitter, x: &Tensor) -> anyhow::Result<Tensor>;
    fn place(
        &self,
        e: &mut Emitter,
        x: &Tensor,
        op_type: &str,
        spec: TensorSpec,
    ) -> anyhow::Result<Tensor>;
}

impl Extremes for Reduce {
    fn extremum(
        &self,
        e: &mut Emitter,
        x: &Tensor,
        value: &str,
        place: &str,
    ) -> anyhow::Result<Vec<Tensor>> {
        let dtype = x.dtype();
        let wide = e.cast(x, arithmetic(dtype));
        let full = self.dims.is_empty() && wide.shape().known().is_none();
        let wide = if full {
            guarded(e, &wide, value == "ReduceMax")?
        } else {
            wide
        };
        let shape = e.output(0).shape;
        let value = fold(e, value, &wide, &self.dims, self.keepdim, shape);
        let value = e.cast(&value, dtype);
        let with_place = matches!(self.kind, ReduceKind::Max | ReduceKind::Min);
        if !with_place || self.dims.is_empty() {
            return Ok(vec![value]);
        }
        let spec = e.output(1);
        Ok(vec![value, self.place(e, &wide, place, spec)?])
    }

    /// Counted, because there is a sum of no element.
    fn truth(&self, e: &mut Emitter, x: &Tensor) -> anyhow::Result<Tensor> {
        let spec = e.output(0);
        let truth = e.cast(x, DType::Bool);
        let all = self.kind == ReduceKind::All;
        let counted = if all { e.map("Not", &truth) } else { truth };
        let counted = e.cast(&counted, DType::I64);
        let count = fold(
            e,
            "ReduceSum",
            &counted,
            &self.dims,
            self.keepdim,
            spec.shape,
        );
        let zero = e.number(0.0, DType::I64)?;
        let result = test(e, if all { "Equal" } else { "Greater" }, &count, &zero)?;
        Ok(e.cast(&result, spec.dtype))
    }

    fn place(
        &self,
        e: &mut Emitter,
        x: &Tensor,
        op_type: &str,
        spec: TensorSpec,
    ) -> anyhow::Result<Tensor> {
        let x = e.cast(x, arithmetic(x.dtype()));
        let (x, dim) = match self.dims.first() {
            Some(&dim) if x.rank() > 0 => (x, dim),
            _ => {
                let all = x.shape().elements().map_or(Dim::symbol("all"), Dim::Known);
                (e.reshape(&x, &Shape::new([all]))?, 0)
            }
        };
        let axis = x.shape().axis(dim)? as i64;
        let keep = self.keepdim && !self.dims.is_empty();
        let call = e.call(op_type, &[&x]).int("axis", axis);
        let call = call.int("keepdims", keep.into());
        if keep || !self.keepdim {
            return Ok(call.one(spec));
        }
        let place = call.one(spec.with_shape(Shape::default()));
        e.reshape(&place, &spec.shape)
    }
}

/// All elements and one that is never chosen: graphs go on where no box was found, and nothing reads this then.
fn guarded(e: &mut Emitter, x: &Tensor, largest: bool) -> anyhow::Result<Tensor> {
    let all = e.reshape(x, &Shape::new([Dim::symbol("all")]))?;
    let sign = if largest { -1.0 } else { 1.0 };
    let last = match x.dtype() {
        DType::I64 | DType::I32 => sign * f64::from(i32::MAX),
        _ => sign * f64::INFINITY,
    };
    let last = e.elements(&[1], filled(last, x.dtype(), 1)?)?;
    let shape = Shape::new([Dim::symbol("all+1")]);
    Ok(e.concat(&[&all, &last], 0, &shape))
}
