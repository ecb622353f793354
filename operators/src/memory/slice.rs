//! `slice`: a range of one dimension.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Dim, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{ensure, one};

/// Elements `start`, `start + step`, ... before `end` of one dimension. As in Python, negative
/// bounds count from the end and bounds outside are cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The dimension; negative counts from the end.
    pub dim: i64,

    /// The first element.
    #[serde(default)]
    pub start: i64,
    /// Where to stop; nothing means the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// The distance of elements.
    #[serde(default = "one_step")]
    pub step: usize,
}

fn one_step() -> usize {
    1
}

impl Slice {
    /// First element and end in a dimension of `size` elements, `start <= end <= size`.
    pub fn range(&self, size: usize) -> (usize, usize) {
        let at = |bound: i64| {
            let distance = usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX);
            if bound < 0 {
                size.saturating_sub(distance)
            } else {
                size.min(distance)
            }
        };
        let start = at(self.start);
        (start, self.end.map_or(size, at).max(start))
    }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
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
        let axis = x.shape.axis(self.dim)?;
        ensure(self.step > 0, || "the step must be at least 1".to_owned())?;
        let mut shape = x.shape.clone();
        let dim = &mut shape.dims_mut()[axis];
        match dim.known() {
            Some(size) => {
                let (start, end) = self.range(size);
                *dim = Dim::Known((end - start).div_ceil(self.step));
            }
            None if self.start == 0 && self.end.is_none() && self.step == 1 => {}
            None => *dim = Dim::symbol("slice"),
        }
        one(x.dtype, shape)
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Slice {
    const NAMES: &'static [&'static str] = &["slice"];

    fn cases() -> Vec<OpCase> {
        let slice = |dim, start, end, step| Slice {
            dim,
            start,
            end,
            step,
        };
        vec![
            OpCase::new("range", slice(1, 1, Some(3), 1), [&[2, 5, 3]]),
            OpCase::new("from-end", slice(-1, -3, None, 1), [&[2, 5]]),
            OpCase::new("step", slice(0, 1, None, 2), [&[6, 2]]),
        ]
    }
}

register_op!(Slice);

/// Adds a [`Slice`] with step 1.
///
/// # Errors
/// When the dimension does not exist.
pub fn slice(
    g: &mut GraphBuilder,
    x: Value,
    dim: i64,
    start: i64,
    end: Option<i64>,
) -> Result<Value, BuildError> {
    let step = 1;
    let op = Slice {
        dim,
        start,
        end,
        step,
    };
    g.one(op, &[x])
}
