//! Reductions: `sum`, `mean`, `amax`, `all`, `argmax`, ...

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Values};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, float, one, output};

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReduceKind {
    /// Sum; of integers and bool in `i64`.
    Sum,
    /// Mean.
    Mean,
    /// Largest element.
    Amax,
    /// Smallest element.
    Amin,
    /// Largest element: of all, or of one dimension together with its index (two outputs).
    Max,
    /// Smallest element: of all, or of one dimension together with its index (two outputs).
    Min,
    /// Whether all elements are true (not zero).
    All,
    /// Whether any element is true (not zero).
    Any,
    /// Index of the largest element, of one dimension or of all.
    Argmax,
}

/// Reduces dimensions to one element each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduce {
    /// How.
    pub kind: ReduceKind,
    /// The dimensions; negative counts from the end, none means all.
    #[serde(default)]
    pub dims: Vec<i64>,
    /// Whether reduced dimensions stay, with size 1.
    #[serde(default)]
    pub keepdim: bool,
}

impl Reduce {
    fn dtype(&self, x: &TensorSpec) -> Result<DType, ShapeError> {
        match self.kind {
            ReduceKind::Sum if !x.dtype.is_float() => Ok(DType::I64),
            ReduceKind::Mean => float(x).map(|()| x.dtype),
            ReduceKind::All | ReduceKind::Any if x.dtype != DType::U8 => Ok(DType::Bool),
            ReduceKind::Argmax => Ok(DType::I64),
            _ => Ok(x.dtype),
        }
    }

    /// Which dimensions of `x` are reduced.
    fn mask(&self, x: &Shape) -> Result<Vec<bool>, ShapeError> {
        let mut mask = vec![self.dims.is_empty(); x.rank()];
        for &dim in &self.dims {
            let axis = x.axis(dim)?;
            ensure(!mask[axis], || format!("dimension {dim} is named twice"))?;
            mask[axis] = true;
        }
        Ok(mask)
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        match self.kind {
            ReduceKind::Sum => "sum",
            ReduceKind::Mean => "mean",
            ReduceKind::Amax => "amax",
            ReduceKind::Amin => "amin",
            ReduceKind::Max => "max",
            ReduceKind::Min => "min",
            ReduceKind::All => "all",
            ReduceKind::Any => "any",
            ReduceKind::Argmax => "argmax",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Arithmetic
    }

    fn traits(&self) -> OpTraits {
        let traits = OpTraits::NONE.single_operand().reduction();
        match self.kind {
            ReduceKind::Sum | ReduceKind::Mean => traits,
            _ => traits.non_linear(),
        }
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [x] = ShapeError::arity(inputs)?;
        let with_index = matches!(self.kind, ReduceKind::Max | ReduceKind::Min);
        let one_dim = with_index || self.kind == ReduceKind::Argmax;
        ensure(!one_dim || self.dims.len() <= 1, || {
            "takes one dimension or none".to_owned()
        })?;
        ensure(
            !with_index || !self.dims.is_empty() || !self.keepdim,
            || "keeps dimensions only where one is named".to_owned(),
        )?;
        let mask = self.mask(&x.shape)?;
        let compares = one_dim || matches!(self.kind, ReduceKind::Amax | ReduceKind::Amin);
        let empty = x
            .shape
            .dims()
            .iter()
            .zip(&mask)
            .any(|(dim, &m)| m && *dim == Dim::Known(0));
        ensure(!(compares && empty), || {
            format!("no element of {x} to choose from")
        })?;
        let kept = x.shape.dims().iter().zip(mask);
        let shape = Shape::new(
            kept.filter_map(|(dim, reduced)| match (reduced, self.keepdim) {
                (false, _) => Some(dim.clone()),
                (true, true) => Some(Dim::Known(1)),
                (true, false) => None,
            }),
        );
        let mut outputs = one(self.dtype(x)?, shape.clone())?;
        if with_index && !self.dims.is_empty() {
            outputs.push(output(DType::I64, shape)?);
        }
        Ok(outputs)
    }

    /// One operation per element of the input.
    fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        let elements = inputs.first().map_or(0, TensorSpec::elements);
        Cost::streaming(elements, inputs, outputs)
    }
}

impl OpDef for Reduce {
    const NAMES: &'static [&'static str] = &[
        "sum", "mean", "amax", "amin", "max", "min", "all", "any", "argmax",
    ];

    fn cases() -> Vec<OpCase> {
        let op = |kind, dims: &[i64], keepdim| Reduce {
            kind,
            dims: dims.to_vec(),
            keepdim,
        };
        let case = |name, op| OpCase::new(name, op, [&[2, 3, 4]]);
        let mut cases = Vec::new();
        for kind in [
            ReduceKind::Sum,
            ReduceKind::Mean,
            ReduceKind::Amax,
            ReduceKind::Amin,
        ] {
            cases.push(case("last", op(kind, &[-1], false)));
            cases.push(case("keep", op(kind, &[1], true)));
            cases.push(case("two", op(kind, &[0, 2], false)));
        }
        for kind in [ReduceKind::Max, ReduceKind::Min] {
            cases.push(case("every", op(kind, &[], false)));
            cases.push(case("with-index", op(kind, &[1], false)).jumps());
        }
        for kind in [ReduceKind::All, ReduceKind::Any] {
            let bits = |case: OpCase| case.input(0, DType::Bool, &[2, 3], Values::Below(2));
            cases.push(bits(OpCase::new("every", op(kind, &[], false), [&[2, 3]])));
            cases.push(bits(OpCase::new("last", op(kind, &[-1], false), [&[2, 3]])));
        }
        let integers = OpCase::new("integers", op(ReduceKind::Sum, &[0], false), [&[3, 2]]);
        cases.push(integers.input(0, DType::I64, &[3, 2], Values::Below(9)));
        cases.push(case("last", op(ReduceKind::Argmax, &[-1], false)).jumps());
        cases.push(case("every", op(ReduceKind::Argmax, &[], false)).jumps());
        cases
    }
}

register_op!(Reduce);

/// Adds a [`Reduce`] with one output; no `dims` means all.
///
/// # Errors
/// When a dimension does not exist, the type does not fit, or the reduction has two outputs.
pub fn reduce(
    g: &mut GraphBuilder,
    kind: ReduceKind,
    x: Value,
    dims: &[i64],
    keepdim: bool,
) -> Result<Value, BuildError> {
    let dims = dims.to_vec();
    g.one(
        Reduce {
            kind,
            dims,
            keepdim,
        },
        &[x],
    )
}

/// Sum over `dims`; none means all.
///
/// # Errors
/// When a dimension does not exist or the type does not fit.
pub fn sum(
    g: &mut GraphBuilder,
    x: Value,
    dims: &[i64],
    keepdim: bool,
) -> Result<Value, BuildError> {
    reduce(g, ReduceKind::Sum, x, dims, keepdim)
}

/// Mean over `dims`; none means all.
///
/// # Errors
/// When a dimension does not exist or the type does not fit.
pub fn mean(
    g: &mut GraphBuilder,
    x: Value,
    dims: &[i64],
    keepdim: bool,
) -> Result<Value, BuildError> {
    reduce(g, ReduceKind::Mean, x, dims, keepdim)
}

/// Largest element over `dims`; none means all.
///
/// # Errors
/// When a dimension does not exist or the type does not fit.
pub fn amax(
    g: &mut GraphBuilder,
    x: Value,
    dims: &[i64],
    keepdim: bool,
) -> Result<Value, BuildError> {
    reduce(g, ReduceKind::Amax, x, dims, keepdim)
}

/// The largest element of all.
///
/// # Errors
/// When there is none to choose from.
pub fn max(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    reduce(g, ReduceKind::Max, x, &[], false)
}

/// The largest elements of one dimension and their positions there.
///
/// # Errors
/// When the dimension does not exist.
pub fn max_along(g: &mut GraphBuilder, x: Value, dim: i64) -> Result<[Value; 2], BuildError> {
    let op = Reduce {
        kind: ReduceKind::Max,
        dims: vec![dim],
        keepdim: false,
    };
    match g.add(op, &[x])?.as_slice() {
        &[values, positions] => Ok([values, positions]),
        _ => Err(BuildError::config("max has two outputs")),
    }
}

/// Whether all elements are true.
///
/// # Errors
/// Never for a single tensor.
pub fn all(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    reduce(g, ReduceKind::All, x, &[], false)
}
