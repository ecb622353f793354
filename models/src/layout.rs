//! What PyTorch's memory layout decides about the calls of eager code.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;

/// `x.contiguous()`, where `x` has the dimensions of a contiguous tensor in the order `dims`. PyTorch calls
/// nothing where the order changes only for dimensions of size 1: the memory is dense already.
pub(crate) fn dense(g: &mut GraphBuilder, x: Value, dims: &[usize]) -> Result<Value, BuildError> {
    let shape = g.spec(x).shape.clone();
    let moved = dims.iter().zip(shape.dims());
    let moved: Vec<usize> = moved
        .filter(|(_, size)| size.known() != Some(1))
        .map(|(dim, _)| *dim)
        .collect();
    if moved.is_sorted() {
        Ok(x)
    } else {
        ops::contiguous(g, x)
    }
}

/// The sizes of a tensor of `N` dimensions.
pub(crate) fn sizes<const N: usize>(g: &GraphBuilder, x: Value) -> Result<[usize; N], BuildError> {
    let spec = g.spec(x);
    let known = spec.shape.known().and_then(|sizes| sizes.try_into().ok());
    known.ok_or_else(|| {
        let scope = g.current_scope();
        BuildError::config(format!("{scope}: {spec} should have {N} known dimensions"))
    })
}
