//! `einsum`: a product of two tensors, written in letters.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, invalid, one, same_float};

/// A product of two tensors whose dimensions have letters: `bqc,bchw->bqhw` multiplies elements that agree in
/// all letters and sums over those that the result does not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Einsum {
    /// The letters of both inputs and of the result.
    pub equation: String,
}

/// The letters of the inputs and of the result.
type Letters = ([Vec<char>; 2], Vec<char>);

impl Einsum {
    /// Reads the equation.
    ///
    /// # Errors
    /// When it is not two lists of letters and a result, a letter stands twice in a list, or one is only
    /// summed over in a single input.
    pub fn letters(&self) -> Result<Letters, ShapeError> {
        let wrong = |why: &str| invalid(format!("equation {}: {why}", self.equation));
        let parts = self.equation.split_once("->");
        let (inputs, output) = parts.ok_or_else(|| wrong("there is no ->"))?;
        let inputs = inputs.split_once(',');
        let (a, b) = inputs.ok_or_else(|| wrong("there must be two inputs"))?;
        let lists = [a, b, output].map(|list| list.trim().chars().collect::<Vec<char>>());
        for list in &lists {
            let plain = list.iter().all(char::is_ascii_alphabetic);
            ensure(plain, || "equation: only letters are read".to_owned())?;
            let twice = (1..list.len()).any(|i| list[..i].contains(&list[i]));
            ensure(!twice, || {
                format!("equation {}: a letter stands twice", self.equation)
            })?;
        }
        let [a, b, output] = lists;
        let known = output.iter().all(|c| a.contains(c) || b.contains(c));
        let alone = |list: &[char], other: &[char]| {
            list.iter()
                .any(|c| !other.contains(c) && !output.contains(c))
        };
        if !known || alone(&a, &b) || alone(&b, &a) {
            return Err(wrong("every letter must stand in two of the three places"));
        }
        Ok(([a, b], output))
    }

    /// The size of every letter.
    fn sizes<'s>(
        letters: &[Vec<char>; 2],
        inputs: &'s [TensorSpec; 2],
    ) -> Result<Vec<(char, &'s Dim)>, ShapeError> {
        let mut sizes: Vec<(char, &Dim)> = Vec::new();
        for (letters, input) in letters.iter().zip(inputs) {
            ensure(letters.len() == input.shape.rank(), || {
                format!("{input} does not have {} dimensions", letters.len())
            })?;
            for (&letter, dim) in letters.iter().zip(input.shape.dims()) {
                match sizes.iter().find(|(known, _)| *known == letter) {
                    Some((_, size)) => ensure(*size == dim, || {
                        format!("{letter} cannot be {size} and {dim}")
                    })?,
                    None => sizes.push((letter, dim)),
                }
            }
        }
        Ok(sizes)
    }
}

impl Op for Einsum {
    fn name(&self) -> &'static str {
        "einsum"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Gemm
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE.reduction()
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let inputs: &[TensorSpec; 2] = ShapeError::arity(inputs)?;
        same_float(inputs)?;
        let (letters, output) = self.letters()?;
        let sizes = Self::sizes(&letters, inputs)?;
        let dims = output.iter().filter_map(|letter| {
            let size = sizes.iter().find(|(known, _)| known == letter);
            size.map(|(_, dim)| (*dim).clone())
        });
        one(inputs[0].dtype, Shape::new(dims))
    }

    /// A multiplication and an addition for each combination of all letters.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let combinations = || {
            let inputs: &[TensorSpec; 2] = ShapeError::arity(inputs).ok()?;
            let (letters, _) = self.letters().ok()?;
            let sizes = Self::sizes(&letters, inputs).ok()?;
            let sizes = sizes.iter().map(|(_, dim)| dim.known().unwrap_or(0) as u64);
            Some(sizes.fold(1, u64::saturating_mul))
        };
        let flops = combinations().unwrap_or(0).saturating_mul(2);
        Cost::streaming(flops, inputs, outputs)
    }
}

impl OpDef for Einsum {
    const NAMES: &'static [&'static str] = &["einsum"];

    fn cases() -> Vec<OpCase> {
        let einsum = |equation: &str| Einsum {
            equation: equation.to_owned(),
        };
        vec![
            OpCase::new(
                "masks",
                einsum("bqc,bchw->bqhw"),
                [&[2, 3, 4], &[2, 4, 5, 2]],
            ),
            OpCase::new("turned", einsum("ik,jk->ji"), [&[3, 4], &[2, 4]]),
            OpCase::new("outer", einsum("a,b->ab"), [&[3], &[4]]),
            OpCase::new("inner", einsum("xab,xab->x"), [&[2, 3, 4], &[2, 3, 4]]),
        ]
    }
}

register_op!(Einsum);

/// Adds an [`Einsum`].
///
/// # Errors
/// When the equation cannot be read or does not fit the inputs.
pub fn einsum(
    g: &mut GraphBuilder,
    equation: &str,
    a: Value,
    b: Value,
) -> Result<Value, BuildError> {
    let equation = equation.to_owned();
    g.one(Einsum { equation }, &[a, b])
}
