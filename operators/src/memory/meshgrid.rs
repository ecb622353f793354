//! `meshgrid`: coordinates of a grid.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{Shape, ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::{output, rank, same_dtype};

/// Two vectors as the rows and the columns of a grid: views `[n, m]` of the first, constant along a
/// row, and of the second, constant along a column (`indexing="ij"`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meshgrid {}

impl Op for Meshgrid {
    fn name(&self) -> &'static str {
        "meshgrid"
    }

    fn group(&self) -> OpGroup {
        OpGroup::Memory
    }

    fn traits(&self) -> OpTraits {
        OpTraits::NONE
    }

    fn storage(&self) -> Storage {
        Storage::Shared
    }

    fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
        let [rows, columns] = ShapeError::arity(inputs)?;
        same_dtype(inputs)?;
        rank(rows, "rows", 1)?;
        rank(columns, "columns", 1)?;
        let dims = rows.shape.dims().iter().chain(columns.shape.dims());
        let grid = output(rows.dtype, Shape::new(dims.cloned()))?;
        Ok(vec![grid.clone(), grid])
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Meshgrid {
    const NAMES: &'static [&'static str] = &["meshgrid"];

    fn cases() -> Vec<OpCase> {
        vec![OpCase::new("plain", Meshgrid {}, [&[3], &[4]])]
    }
}

register_op!(Meshgrid);

/// Adds a [`Meshgrid`]; returns the grids of rows and of columns.
///
/// # Errors
/// When the inputs are no vectors of one type.
pub fn meshgrid(
    g: &mut GraphBuilder,
    rows: Value,
    columns: Value,
) -> Result<[Value; 2], BuildError> {
    match g.add(Meshgrid {}, &[rows, columns])?.as_slice() {
        &[rows, columns] => Ok([rows, columns]),
        _ => Err(BuildError::config("meshgrid makes two grids")),
    }
}
