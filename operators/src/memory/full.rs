//! Tensors of one value: `full`, `zeros`, `ones`, `empty`, `new_full`, `new_zeros`, `new_ones`.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{Inferred, arity, ensure, invalid, one, output};

/// Which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FullKind {
    /// `full`: any value.
    Full,
    /// `zeros`: the value is 0.
    Zeros,
    /// `ones`: the value is 1.
    Ones,
    /// `empty`: memory that the caller fills with the value, as `torch.tensor(0.0)` does, or with the
    /// elements of an input, as `torch.tensor([1.0, 2.0])` does.
    Empty,
    /// `new_full`: any value; takes a tensor for its device only.
    NewFull,
    /// `new_zeros`: takes a tensor for its device only.
    NewZeros,
    /// `new_ones`: takes a tensor for its device only.
    NewOnes,
}

/// A new tensor whose elements are all `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Full {
    /// Which call.
    pub kind: FullKind,
    /// The shape.
    pub size: Vec<usize>,
    /// Whether the first dimension of an input comes before `size`, because only the data decide it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rows: bool,
    /// The value of every element.
    #[serde(with = "crate::scalar")]
    pub value: f64,
    /// Element type.
    pub dtype: DType,
}

impl Full {
    /// Memory that is filled with the elements of an input.
    fn filled_from(&self, elements: &TensorSpec) -> Inferred {
        let spec = output(self.dtype, self.size.as_slice())?;
        ensure(spec == *elements && !self.rows, || {
            format!("{elements} does not fill {spec}")
        })?;
        Ok(vec![spec])
    }
}

impl Op for Full {
    fn name(&self) -> &'static str {
        match self.kind {
            FullKind::Full => "full",
            FullKind::Zeros => "zeros",
            FullKind::Ones => "ones",
            FullKind::Empty => "empty",
            FullKind::NewFull => "new_full",
            FullKind::NewZeros => "new_zeros",
            FullKind::NewOnes => "new_ones",
        }
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let takes_one = matches!(
            self.kind,
            FullKind::NewFull | FullKind::NewZeros | FullKind::NewOnes
        );
        if self.kind == FullKind::Empty
            && let [elements] = inputs
        {
            return self.filled_from(elements);
        }
        ensure_count(inputs, usize::from(takes_one || self.rows))?;
        let fixed = match self.kind {
            FullKind::Zeros | FullKind::NewZeros => Some(0.0),
            FullKind::Ones | FullKind::NewOnes => Some(1.0),
            FullKind::Full | FullKind::NewFull | FullKind::Empty => None,
        };
        ensure(fixed.is_none_or(|fixed| fixed == self.value), || {
            format!("the value cannot be {}", self.value)
        })?;
        ensure(self.dtype.is_float() || self.value.fract() == 0.0, || {
            format!("{} is no {}", self.value, self.dtype)
        })?;
        let rows = inputs.first().filter(|_| self.rows).map(|x| {
            let first = x.shape.dims().first().cloned();
            first.ok_or_else(|| invalid(format!("{x} has no rows to count")))
        });
        let size = self.size.iter().copied().map(Dim::Known);
        let shape: Vec<Dim> = rows.transpose()?.into_iter().chain(size).collect();
        one(self.dtype, Shape::new(shape))
    }

    /// The result is written; an input is not read.
    fn cost(&self, _inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
        Cost::streaming(0, &[], outputs)
    }
}

fn ensure_count(inputs: &[TensorSpec], expected: usize) -> Result<(), ShapeError> {
    if inputs.len() == expected {
        Ok(())
    } else {
        Err(arity(&expected.to_string(), inputs))
    }
}

impl OpDef for Full {
    const NAMES: &'static [&'static str] = &[
        "full",
        "zeros",
        "ones",
        "empty",
        "new_full",
        "new_zeros",
        "new_ones",
    ];

    fn cases() -> Vec<OpCase> {
        let full = |kind, size: &[usize], value, dtype| Full {
            kind,
            size: size.to_vec(),
            rows: false,
            value,
            dtype,
        };
        let rows = Full {
            rows: true,
            ..full(FullKind::Zeros, &[2], 0.0, DType::F32)
        };
        vec![
            OpCase::new("rows", rows, [&[3, 5]]),
            OpCase::new(
                "plain",
                full(FullKind::NewFull, &[2, 2], 0.5, DType::F32),
                [&[3]],
            ),
            OpCase::new(
                "infinity",
                full(FullKind::Full, &[2, 3], f64::NEG_INFINITY, DType::F32),
                [],
            ),
            OpCase::new("integers", full(FullKind::Full, &[4], 7.0, DType::I64), []),
            OpCase::new("plain", full(FullKind::Zeros, &[2, 3], 0.0, DType::F32), []),
            OpCase::new("plain", full(FullKind::Ones, &[3], 1.0, DType::I64), []),
            OpCase::new(
                "elements",
                full(FullKind::Empty, &[3], 0.0, DType::F32),
                [&[3]],
            ),
            OpCase::new("scalar", full(FullKind::Empty, &[], 0.0, DType::F32), []),
            OpCase::new(
                "plain",
                full(FullKind::NewZeros, &[2], 0.0, DType::F32),
                [&[3]],
            ),
            OpCase::new(
                "bool",
                full(FullKind::NewOnes, &[], 1.0, DType::Bool),
                [&[3]],
            ),
        ]
    }
}

register_op!(Full);

/// A tensor of `value`.
///
/// # Errors
/// When the tensor is too large or the value does not fit the type.
pub fn full(
    g: &mut GraphBuilder,
    size: &[usize],
    value: f64,
    dtype: DType,
) -> Result<Value, BuildError> {
    let op = Full {
        kind: FullKind::Full,
        size: size.to_vec(),
        rows: false,
        value,
        dtype,
    };
    g.one(op, &[])
}

/// A tensor of zeros.
///
/// # Errors
/// When the tensor is too large or the value does not fit the type.
pub fn zeros(g: &mut GraphBuilder, size: &[usize], dtype: DType) -> Result<Value, BuildError> {
    let op = Full {
        kind: FullKind::Zeros,
        size: size.to_vec(),
        rows: false,
        value: 0.0,
        dtype,
    };
    g.one(op, &[])
}

/// A tensor of ones.
///
/// # Errors
/// When the tensor is too large or the value does not fit the type.
pub fn ones(g: &mut GraphBuilder, size: &[usize], dtype: DType) -> Result<Value, BuildError> {
    let op = Full {
        kind: FullKind::Ones,
        size: size.to_vec(),
        rows: false,
        value: 1.0,
        dtype,
    };
    g.one(op, &[])
}

/// A tensor that the caller fills with `value`, as `torch.tensor` makes one.
///
/// # Errors
/// When the tensor is too large or the value does not fit the type.
pub fn empty(
    g: &mut GraphBuilder,
    size: &[usize],
    value: f64,
    dtype: DType,
) -> Result<Value, BuildError> {
    let op = Full {
        kind: FullKind::Empty,
        size: size.to_vec(),
        rows: false,
        value,
        dtype,
    };
    g.one(op, &[])
}

/// A tensor that the caller fills with given elements, as `torch.tensor` makes one.
///
/// # Errors
/// When the elements have an open shape.
pub fn empty_from(g: &mut GraphBuilder, elements: Value) -> Result<Value, BuildError> {
    let spec = g.spec(elements).clone();
    let size = spec.shape.known();
    let op = Full {
        kind: FullKind::Empty,
        size: size.ok_or_else(|| BuildError::config(format!("{spec} has an open shape")))?,
        rows: false,
        value: 0.0,
        dtype: spec.dtype,
    };
    g.one(op, &[elements])
}

/// A tensor of ones on the device of `x`.
///
/// # Errors
/// When the tensor is too large or the value does not fit the type.
pub fn new_ones(
    g: &mut GraphBuilder,
    x: Value,
    size: &[usize],
    dtype: DType,
) -> Result<Value, BuildError> {
    let op = Full {
        kind: FullKind::NewOnes,
        size: size.to_vec(),
        rows: false,
        value: 1.0,
        dtype,
    };
    g.one(op, &[x])
}

/// A tensor of `value` on the device of `x`.
///
/// # Errors
/// When the tensor is too large or the value does not fit the type.
pub fn new_full(
    g: &mut GraphBuilder,
    x: Value,
    size: &[usize],
    value: f64,
    dtype: DType,
) -> Result<Value, BuildError> {
    let op = Full {
        kind: FullKind::NewFull,
        size: size.to_vec(),
        rows: false,
        value,
        dtype,
    };
    g.one(op, &[x])
}

/// Zeros with a row of `size` for each row of `like`.
///
/// # Errors
/// When the tensor is too large or `like` has no dimensions.
pub fn zeros_for_rows(
    g: &mut GraphBuilder,
    like: Value,
    size: &[usize],
    dtype: DType,
) -> Result<Value, BuildError> {
    let op = Full {
        kind: FullKind::Zeros,
        size: size.to_vec(),
        rows: true,
        value: 0.0,
        dtype,
    };
    g.one(op, &[like])
}
