//! Windows of a square map of tokens: cut, joined, and masked where a shift has brought strangers together.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::CompareKind;

use crate::layout::{dense, sizes};
use crate::settings::signed;

/// What is added to the scores of two tokens that a shift has put into one window.
const MASKED: f64 = -100.0;

/// `[n, side, side, features]` to `[n windows, window², features]`.
pub(crate) fn partition(
    g: &mut GraphBuilder,
    x: Value,
    window: usize,
) -> Result<Value, BuildError> {
    let features = sizes::<4>(g, x)?[3];
    let x = cut(g, x, window)?;
    ops::view(g, x, &[-1, signed(window * window), signed(features)])
}

/// `[n, side, side, features]` to `[n windows, window, window, features]`.
fn cut(g: &mut GraphBuilder, x: Value, window: usize) -> Result<Value, BuildError> {
    let [n, side, _, features] = sizes(g, x)?;
    let count = side / window;
    let size = [n, count, window, count, window, features].map(signed);
    let x = ops::view(g, x, &size)?;
    let x = ops::transpose(g, x, 2, 3)?;
    let x = dense(g, x, &[0, 1, 3, 2, 4, 5])?;
    ops::view(g, x, &[-1, size[2], size[2], size[5]])
}

/// The reverse of [`partition`], back to `[n, side, side, features]`.
pub(crate) fn join(
    g: &mut GraphBuilder,
    x: Value,
    window: usize,
    side: usize,
) -> Result<Value, BuildError> {
    let features = signed(sizes::<3>(g, x)?[2]);
    let [rows, count, whole] = [window, side / window, side].map(signed);
    let x = ops::view(g, x, &[-1, rows, rows, features])?;
    let x = ops::view(g, x, &[-1, count, count, rows, rows, features])?;
    let x = ops::transpose(g, x, 2, 3)?;
    let x = dense(g, x, &[0, 1, 3, 2, 4, 5])?;
    ops::view(g, x, &[-1, whole, whole, features])
}

/// The additive mask `[windows, window², window²]` of a map whose tokens were shifted: 0 for tokens of one
/// region. Each side has three regions: whole windows, the rest, and what came round from the other end.
pub(crate) fn mask(
    g: &mut GraphBuilder,
    side: usize,
    window: usize,
    shift: usize,
) -> Result<Value, BuildError> {
    let rows = ops::arange(g, side)?;
    let columns = ops::arange(g, side)?;
    let bounds = [side - window, side - shift];
    let rows = regions(g, rows, bounds)?;
    let columns = regions(g, columns, bounds)?;
    let rows = unsqueeze(g, rows, [0, 2, 3])?;
    let rows = ops::mul_scalar(g, rows, 3.0)?;
    let columns = unsqueeze(g, columns, [0, 1, 3])?;
    let map = ops::add(g, rows, columns)?;
    let map = ops::to(g, map, g.dtype())?;
    let map = cut(g, map, window)?;
    let map = ops::view(g, map, &[-1, signed(window * window)])?;
    let keys = ops::unsqueeze(g, map, 1)?;
    let queries = ops::unsqueeze(g, map, 2)?;
    let distance = ops::sub(g, keys, queries)?;
    let strangers = ops::compare_scalar(g, CompareKind::Ne, distance, 0.0)?;
    let mask = ops::masked_fill(g, distance, strangers, MASKED)?;
    let same = ops::compare_scalar(g, CompareKind::Eq, distance, 0.0)?;
    ops::masked_fill(g, mask, same, 0.0)
}

/// The number of bounds that each position has reached.
fn regions(g: &mut GraphBuilder, x: Value, bounds: [usize; 2]) -> Result<Value, BuildError> {
    let mut reached = |bound: usize| {
        let reached = ops::compare_scalar(g, CompareKind::Ge, x, bound as f64)?;
        ops::to(g, reached, nongemm_core::dtype::DType::I64)
    };
    let [first, second] = [reached(bounds[0])?, reached(bounds[1])?];
    ops::add(g, first, second)
}

fn unsqueeze(g: &mut GraphBuilder, x: Value, dims: [i64; 3]) -> Result<Value, BuildError> {
    dims.into_iter()
        .try_fold(x, |x, dim| ops::unsqueeze(g, x, dim))
}
