//! `view`: the same elements in another shape.
//!
//! The rule for shapes with one unknown size is shared with `reshape`.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{invalid, one};

/// The same memory, read in another shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The new sizes; one of them may be -1: whatever is left.
    pub size: Vec<i64>,
}

impl Op for View {
    fn name(&self) -> &'static str {
        "view"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.single_operand()
    }

    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        one(x.dtype, viewed(&x.shape, &self.size)?)
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for View {
    const NAMES: &'static [&'static str] = &["view"];

    fn cases() -> Vec<OpCase> {
        let view = |size: &[i64]| View {
            size: size.to_vec(),
        };
        vec![
            OpCase::new("split", view(&[2, -1, 2, 2]), [&[2, 3, 4]]),
            OpCase::new("merge", view(&[-1, 4]), [&[2, 3, 4]]),
        ]
    }
}

register_op!(View);

/// The shape that `size` stands for when it has the elements of `x`. A size of -1 takes a symbolic
/// dimension along.
///
/// # Errors
/// When the numbers of elements differ.
pub(crate) fn viewed(x: &Shape, size: &[i64]) -> Result<Shape, ShapeError> {
    let misfit = || invalid(format!("shape {x} cannot become {size:?}"));
    let free = size.iter().position(|&s| s == -1);
    let mut dims = Vec::with_capacity(size.len());
    for (i, &s) in size.iter().enumerate() {
        let known = if free == Some(i) { 1 } else { s };
        dims.push(Dim::Known(usize::try_from(known).map_err(|_| misfit())?));
    }
    let product = |dims: &[Dim]| {
        dims.iter()
            .filter_map(Dim::known)
            .try_fold(1usize, usize::checked_mul)
            .ok_or_else(misfit)
    };
    let (total, known) = (product(x.dims())?, product(&dims)?);
    let symbols: Vec<&Dim> = x.dims().iter().filter(|d| d.known().is_none()).collect();
    let rest = match (free, symbols.as_slice()) {
        (None, []) if total == known => return Ok(Shape::new(dims)),
        (Some(i), []) if known > 0 && total % known == 0 => (i, Dim::Known(total / known)),
        (Some(i), [symbol]) if known > 0 && total == known => (i, (*symbol).clone()),
        (Some(i), [_, ..]) if known > 0 => (i, Dim::symbol("view")),
        _ => return Err(misfit()),
    };
    dims[rest.0] = rest.1;
    Ok(Shape::new(dims))
}

/// Adds a [`View`].
///
/// # Errors
/// When the numbers of elements differ.
pub fn view(g: &mut GraphBuilder, x: Value, size: &[i64]) -> Result<Value, BuildError> {
    let size = size.to_vec();
    g.one(View { size }, &[x])
}
