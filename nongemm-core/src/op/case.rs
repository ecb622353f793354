//! Cases: example calls that every backend has to compute as the reference does.

use std::sync::Arc;

use anyhow::Context;

use super::def::Op;
use super::values::Values;
use crate::dtype::DType;
use crate::graph::{BuildError, Graph, GraphBuilder, Value};
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
    /// Its outputs, where the case itself carries them and no reference has to be asked.
    pub outputs: Option<&'static [&'static [f64]]>,
    /// Whether the result jumps where inputs are rounded: in other types than its own it is not compared.
    pub jumps: bool,
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
            outputs: None,
            jumps: false,
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

    /// States the elements of its outputs, row by row.
    #[must_use]
    pub fn gives(self, outputs: &'static [&'static [f64]]) -> Self {
        OpCase {
            outputs: Some(outputs),
            ..self
        }
    }

    /// States that the result jumps where inputs are rounded (a rounding, an index of the largest).
    #[must_use]
    pub fn jumps(self) -> Self {
        OpCase {
            jumps: true,
            ..self
        }
    }

    /// A graph whose only node is the case's operator; its inputs are the graph's.
    ///
    /// # Errors
    /// When the operator does not take its inputs.
    pub fn graph(&self) -> Result<Graph, BuildError> {
        let mut g = GraphBuilder::new(DType::F32);
        let mut inputs: Vec<Value> = Vec::new();
        for (i, input) in self.inputs.iter().enumerate() {
            inputs.push(g.input(&format!("in{i}"), input.spec.clone())?);
        }
        let outputs = g.add_shared(self.op.clone(), &inputs)?;
        for (i, output) in outputs.into_iter().enumerate() {
            g.output(&format!("out{i}"), output);
        }
        Ok(g.finish())
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
