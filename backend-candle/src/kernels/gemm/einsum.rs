//! `einsum`, as a product of matrices: letters of both inputs and the result are batches, letters of both
//! inputs alone are summed over, the others are rows and columns.

use candle_core::{Result, Tensor};
use nongemm_core::kernel::{Eval, Outputs};
use nongemm_operators::Einsum;

use super::product::multiply;
use crate::engine::Candle;
use crate::kernels::one;
use crate::register_kernel;

impl Eval<Candle> for Einsum {
    fn eval(&self, _: &Candle, inputs: &[&Tensor]) -> anyhow::Result<Outputs<Tensor>> {
        let &[a, b] = inputs else {
            anyhow::bail!("takes 2 inputs, got {}", inputs.len());
        };
        let (letters, output) = self.letters()?;
        one(contract([a, b], &letters, &output))
    }
}

register_kernel!(Einsum);

fn contract(
    [a, b]: [&Tensor; 2],
    [left, right]: &[Vec<char>; 2],
    output: &[char],
) -> Result<Tensor> {
    let pick = |list: &[char], keep: &dyn Fn(&char) -> bool| -> Vec<char> {
        list.iter().filter(|c| keep(c)).copied().collect()
    };
    let batch = pick(left, &|c| right.contains(c) && output.contains(c));
    let sums = pick(left, &|c| right.contains(c) && !output.contains(c));
    let rows = pick(left, &|c| !right.contains(c));
    let columns = pick(right, &|c| !left.contains(c));
    let a = matrices(a, left, [&batch, &rows, &sums])?;
    let b = matrices(b, right, [&batch, &sums, &columns])?;
    let (product, shape) = (multiply(&a.0, &b.0)?, [a.1, b.1].concat());
    let found = [batch, rows, columns].concat();
    let size = |letter: &char| {
        let known = shape.iter().find(|(known, _)| known == letter);
        known.map_or(1, |(_, size)| *size)
    };
    let product = product.reshape(found.iter().map(size).collect::<Vec<_>>())?;
    product.permute(places(output, &found))
}

/// The tensor as a batch of matrices, and the sizes of its letters.
fn matrices(
    x: &Tensor,
    letters: &[char],
    groups: [&[char]; 3],
) -> Result<(Tensor, Vec<(char, usize)>)> {
    let order = groups.concat();
    let sizes: Vec<(char, usize)> = letters.iter().copied().zip(x.dims().to_vec()).collect();
    let size = |letter: &char| {
        let known = sizes.iter().find(|(known, _)| known == letter);
        known.map_or(1, |(_, size)| *size)
    };
    let shape = groups.map(|group| group.iter().map(size).product::<usize>());
    let moved = x.permute(places(&order, letters))?;
    Ok((moved.reshape(shape.as_slice())?, sizes))
}

/// Where each of the `wanted` letters is.
fn places(wanted: &[char], letters: &[char]) -> Vec<usize> {
    let place = |letter: &char| letters.iter().position(|c| c == letter);
    wanted.iter().filter_map(place).collect()
}
