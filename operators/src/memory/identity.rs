//! Calls that return their input: `alias`, `lift_fresh`, `detach`.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::op::{Cost, Op, OpCase, OpDef, OpGroup, OpTraits, Storage};
use nongemm_core::register_op;
use nongemm_core::shape::{ShapeError, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::check::one;

/// Which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// A new handle.
    Alias,
    /// A fresh tensor made visible to transformations.
    LiftFresh,
    /// Outside automatic differentiation (`detach_`).
    Detach,
}

/// Returns its input. The reference's frameworks dispatch such calls, and they take time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Which one.
    pub kind: IdentityKind,
    /// Whether the reference writes the result over the first input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inplace: bool,
}

impl Op for Identity {
    fn name(&self) -> &'static str {
        match self.kind {
            IdentityKind::Alias => "alias",
            IdentityKind::LiftFresh => "lift_fresh",
            IdentityKind::Detach => "detach",
        }
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
        one(x.dtype, x.shape.clone())
    }

    fn cost(&self, _inputs: &[TensorSpec], _outputs: &[TensorSpec]) -> Cost {
        Cost::FREE
    }
}

impl OpDef for Identity {
    const NAMES: &'static [&'static str] = &["alias", "lift_fresh", "detach"];

    fn cases() -> Vec<OpCase> {
        let case = |kind, inplace| OpCase::new("plain", Identity { kind, inplace }, [&[2, 3]]);
        vec![
            case(IdentityKind::Alias, false),
            case(IdentityKind::LiftFresh, false),
            case(IdentityKind::Detach, true),
        ]
    }
}

register_op!(Identity);

/// Adds an `alias`.
///
/// # Errors
/// Never for a single tensor.
pub fn alias(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let (kind, inplace) = (IdentityKind::Alias, false);
    g.one(Identity { kind, inplace }, &[x])
}

/// Adds a `lift_fresh`.
///
/// # Errors
/// Never for a single tensor.
pub fn lift_fresh(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let (kind, inplace) = (IdentityKind::LiftFresh, false);
    g.one(Identity { kind, inplace }, &[x])
}

/// Adds a `detach`.
///
/// # Errors
/// Never for a single tensor.
pub fn detach(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let (kind, inplace) = (IdentityKind::Detach, false);
    g.one(Identity { kind, inplace }, &[x])
}

/// Adds a `detach_`.
///
/// # Errors
/// Never for a single tensor.
pub fn detach_(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let (kind, inplace) = (IdentityKind::Detach, true);
    g.one(Identity { kind, inplace }, &[x])
}
