//! What made-up inputs hold, for operators that cannot take any numbers.

use nongemm_core::op::Values;
use nongemm_core::shape::{Dim, TensorSpec};

/// The usual values, but `values` for the input at `position`.
pub(crate) fn usual_but(inputs: &[TensorSpec], position: usize, values: Values) -> Vec<Values> {
    let usual = inputs.iter().map(Values::usual).enumerate();
    let chosen = usual.map(|(index, usual)| if index == position { values } else { usual });
    chosen.collect()
}

/// Positions in dimension `axis` (negative counts from the end) of the first input.
pub(crate) fn positions(inputs: &[TensorSpec], axis: i64) -> Values {
    let size = inputs.first().and_then(|table| {
        let axis = table.shape.axis(axis).ok()?;
        table.shape.dims()[axis].known()
    });
    Values::Below(bound(size))
}

fn bound(size: Option<usize>) -> u32 {
    size.map_or(1, |size| u32::try_from(size).unwrap_or(u32::MAX))
}

/// The larger of the last two sizes: the side of a feature map.
pub(crate) fn side(map: &TensorSpec) -> f64 {
    let sizes = map.shape.dims().iter().rev().take(2).filter_map(Dim::known);
    sizes.max().unwrap_or(1) as f64
}
