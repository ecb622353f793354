//! Masks and positions as transformers' `masking_utils` and models compute them on every forward pass,
//! without a key/value cache; with an attention mask from the caller where rows are padded.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::Settings;
use nongemm_core::shape::TensorSpec;
use nongemm_operators as ops;
use nongemm_operators::CompareKind;

use crate::settings::signed;

/// The numbers from 0 to `tokens - 1`, computed as positions after a cache of length 0.
pub(crate) fn positions(g: &mut GraphBuilder, tokens: usize) -> Result<Value, BuildError> {
    let positions = ops::arange(g, tokens)?;
    ops::add_scalar(g, positions, 0.0)
}

/// `x[:, :end]`. Where that is everything, PyTorch's indexing calls `alias`.
pub(crate) fn columns(g: &mut GraphBuilder, x: Value, end: usize) -> Result<Value, BuildError> {
    if g.spec(x).size(1).is_ok_and(|size| size == end) {
        ops::alias(g, x)
    } else {
        ops::slice(g, x, 1, 0, Some(signed(end)))
    }
}

/// Looks for several sequences packed into one row: positions `[1, tokens]` that do not count up by one.
/// Nothing depends on the result for positions that do.
pub(crate) fn detect_packed_sequences(
    g: &mut GraphBuilder,
    positions: Value,
    batch: usize,
) -> Result<(), BuildError> {
    let rows = match batch {
        1 => positions,
        _ => ops::expand(g, positions, &[signed(batch), -1])?,
    };
    let first = columns(g, rows, 1)?;
    let before = ops::sub_scalar(g, first, 1.0)?;
    let steps = ops::diff(g, rows, -1, Some(before))?;
    let breaks = ops::compare_scalar(g, CompareKind::Ne, steps, 1.0)?;
    let sequences = ops::cumsum(g, breaks, -1)?;
    let last = ops::select(g, sequences, 1, -1)?;
    let single = ops::compare_scalar(g, CompareKind::Eq, last, 0.0)?;
    let all = ops::all(g, single)?;
    ops::is_nonzero(g, all)?;
    Ok(())
}

/// The input `attention_mask[batch, tokens]` (setting `padding=masked`): 1 for a token, 0 for padding.
/// Without it, nothing is padded.
pub(crate) fn padding(
    g: &mut GraphBuilder,
    settings: &Settings,
    sizes: [usize; 2],
) -> Result<Option<Value>, BuildError> {
    if settings.choice("padding", &["none", "masked"])? == "none" {
        return Ok(None);
    }
    let spec = TensorSpec::new(DType::I64, sizes);
    g.index_input("attention_mask", spec, 2).map(Some)
}

/// The additive causal mask `[batch, 1, tokens, tokens]`: 0 where a token may look, else the model
/// type's lowest number.
pub(crate) fn causal(
    g: &mut GraphBuilder,
    batch: usize,
    tokens: usize,
    padding: Option<Value>,
) -> Result<Value, BuildError> {
    let padding = padding.map(|mask| ops::to(g, mask, DType::Bool));
    let padding = padding.transpose()?;
    let [rows, queries, keys] = grids(g, batch, [tokens; 2])?;
    let visible = match padding {
        None => ops::le(g, keys, queries)?,
        Some(padding) => {
            let everything = ops::new_ones(g, queries, &[], DType::Bool)?;
            let before = ops::le(g, keys, queries)?;
            let before = ops::to(g, before, DType::Bool)?;
            let visible = ops::and(g, everything, before)?;
            not_padded(g, visible, padding, [rows, keys])?
        }
    };
    additive(g, visible, batch, [tokens; 2])
}

/// The additive mask `[batch, 1, queries, keys]` of an encoder, or of a decoder that looks at one: 0 for
/// keys, the model type's lowest number for padding.
pub(crate) fn bidirectional(
    g: &mut GraphBuilder,
    batch: usize,
    tokens: [usize; 2],
    padding: Value,
) -> Result<Value, BuildError> {
    let padding = ops::to(g, padding, DType::Bool)?;
    // The reference looks whether there is any padding, and here there is.
    let all = ops::all(g, padding)?;
    ops::is_nonzero(g, all)?;
    let [rows, queries, keys] = grids(g, batch, tokens)?;
    let everything = ops::new_ones(g, queries, &[], DType::Bool)?;
    let all = ops::compare_scalar(g, CompareKind::Ge, queries, 0.0)?;
    let all = ops::to(g, all, DType::Bool)?;
    let visible = ops::and(g, everything, all)?;
    let visible = not_padded(g, visible, padding, [rows, keys])?;
    additive(g, visible, batch, tokens)
}

/// What is visible and no padding.
fn not_padded(
    g: &mut GraphBuilder,
    visible: Value,
    padding: Value,
    [rows, keys]: [Value; 2],
) -> Result<Value, BuildError> {
    let tokens = ops::index(g, padding, &[rows, keys])?;
    let tokens = ops::to(g, tokens, DType::Bool)?;
    ops::and(g, visible, tokens)
}

/// Index grids of rows, queries and keys. There are four, one for each dimension of a mask; nothing looks
/// at that of the heads.
fn grids(g: &mut GraphBuilder, batch: usize, tokens: [usize; 2]) -> Result<[Value; 3], BuildError> {
    let rows = ops::arange(g, batch)?;
    let heads = ops::arange(g, 1)?;
    let queries = positions(g, tokens[0])?;
    let keys = positions(g, tokens[1])?;
    let rows = unsqueeze(g, rows, [1, 2, 3])?;
    unsqueeze(g, heads, [0, 2, 3])?;
    let queries = unsqueeze(g, queries, [0, 1, 3])?;
    let keys = unsqueeze(g, keys, [0, 1, 2])?;
    Ok([rows, queries, keys])
}

fn additive(
    g: &mut GraphBuilder,
    visible: Value,
    batch: usize,
    tokens: [usize; 2],
) -> Result<Value, BuildError> {
    let [queries, keys] = tokens.map(signed);
    let visible = ops::expand(g, visible, &[signed(batch), -1, queries, keys])?;
    let zero = scalar_tensor(g, 0.0)?;
    ops::where_scalar(g, visible, zero, lowest(g.dtype()))
}

fn unsqueeze(g: &mut GraphBuilder, x: Value, dims: [i64; 3]) -> Result<Value, BuildError> {
    dims.into_iter()
        .try_fold(x, |x, dim| ops::unsqueeze(g, x, dim))
}

/// `torch.tensor(value)` in the model's type, by the calls that it makes.
fn scalar_tensor(g: &mut GraphBuilder, value: f64) -> Result<Value, BuildError> {
    let dtype = g.dtype();
    let x = ops::empty(g, &[], value, dtype)?;
    let x = ops::to(g, x, dtype)?;
    let x = ops::lift_fresh(g, x)?;
    ops::detach_(g, x)
}

/// `torch.finfo(dtype).min`.
fn lowest(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::MIN,
        DType::F16 => -65504.0,
        // All bits of the significand set: (2 - 2^-7) 2^127.
        DType::BF16 => -(2.0 - 2f64.powi(-7)) * 2f64.powi(127),
        _ => f64::from(f32::MIN),
    }
}
