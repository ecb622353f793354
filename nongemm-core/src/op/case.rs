//! Cases: example calls that every backend has to compute as the reference does.

use std::sync::Arc;

use anyhow::Context;

use super::def::Op;
use super::values::Values;
use crate::dtype::DType;
use crate::rng::Uniform;
use crate::shape::TensorSpec;
use crate::tensor::HostTensor;

/// One input of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseInput {
    /// Shape and dtype; all dimensions known.
    pub spec: TensorSpec,
    /// Its values.
    pub values: Values,
}

/// An example call of an operator, with inputs that a seed makes the same everywhere.
#[derive(Clone, Debug)]
pub struct OpCase {
    /// What the case is about, in kebab-case; unique for each operator.
    pub name: &'static str,
    /// The operator with its attributes.
    pub op: Arc<dyn Op>,
    /// Its inputs.
    pub inputs: Vec<CaseInput>,
}

impl OpCase {
    /// A case whose inputs are `f32` between -2 and 2.
    pub fn new<const N: usize>(name: &'static str, op: impl Op, shapes: [&[usize]; N]) -> Self {
        let inputs = shapes
            .into_iter()
            .map(|shape| CaseInput {
                spec: TensorSpec::new(DType::F32, shape),
                values: Values::Range(-2.0, 2.0),
            })
            .collect();
        OpCase {
            name,
            op: Arc::new(op),
            inputs,
        }
    }

    /// Replaces input `index`.
    #[must_use]
    pub fn input(mut self, index: usize, dtype: DType, shape: &[usize], values: Values) -> Self {
        self.inputs[index] = CaseInput {
            spec: TensorSpec::new(dtype, shape),
            values,
        };
        self
    }

    /// Replaces the values of input `index`.
    #[must_use]
    pub fn values(mut self, index: usize, values: Values) -> Self {
        self.inputs[index].values = values;
        self
    }

    /// The case's full name, `operator/case`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.op.name(), self.name)
    }

    /// The input tensors: the same values for the same case on every machine.
    ///
    /// # Errors
    /// When an input has a symbolic dimension.
    pub fn tensors(&self) -> anyhow::Result<Vec<HostTensor>> {
        self.inputs
            .iter()
            .enumerate()
            .map(|(i, input)| {
                let rng = Uniform::new(0, &format!("{}#{i}", self.id()));
                let tensor = input.values.tensor(&input.spec, rng);
                tensor.with_context(|| format!("case {}: input {i}", self.id()))
            })
            .collect()
    }
}
