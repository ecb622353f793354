//! What a case's outputs should be.

use anyhow::Context;

use crate::op::{OpCase, Values};
use crate::plugin::{Registry, RegistryError, plugin_kind};
use crate::rng::Uniform;
use crate::shape::{Dim, Shape, TensorSpec};
use crate::tensor::HostTensor;

/// Outputs that a reference implementation computed.
pub trait Reference: Send + Sync {
    /// The reference's id.
    fn id(&self) -> &'static str;

    /// The outputs for the case with this id ([`OpCase::id`]); `None` if there are none.
    ///
    /// # Errors
    /// When what was shipped is damaged.
    fn outputs(&self, case: &str) -> anyhow::Result<Option<Vec<HostTensor>>>;
}

plugin_kind!(Reference, "reference");

/// All outputs that are known in this binary.
pub struct Expected {
    references: Registry<dyn Reference>,
}

impl Expected {
    /// Collects the registered references.
    ///
    /// # Errors
    /// When two have the same id.
    pub fn collect() -> Result<Self, RegistryError> {
        Ok(Expected {
            references: Registry::collect()?,
        })
    }

    /// The outputs of a case: those that it carries, else those of the first reference that has them.
    ///
    /// # Errors
    /// When nobody has them, or they do not fit the operator.
    pub fn outputs(&self, case: &OpCase) -> anyhow::Result<Vec<HostTensor>> {
        if let Some(given) = case.outputs {
            return carried(case, given);
        }
        for reference in self.references.iter() {
            let outputs = reference.plugin.outputs(&case.id());
            if let Some(outputs) = outputs.with_context(|| reference.plugin.id())? {
                return Ok(outputs);
            }
        }
        anyhow::bail!(
            "nobody says what it gives; let the case carry its outputs, or register a reference"
        )
    }
}

fn carried(case: &OpCase, given: &[&'static [f64]]) -> anyhow::Result<Vec<HostTensor>> {
    let inputs: Vec<TensorSpec> = case.inputs.iter().map(|input| input.spec.clone()).collect();
    let specs = case.op.infer(&inputs)?;
    let counts = (specs.len(), given.len());
    anyhow::ensure!(
        counts.0 == counts.1,
        "{} outputs, {} given",
        counts.0,
        counts.1
    );
    let outputs = specs.iter().zip(given).map(|(spec, values)| {
        let shape = match spec.shape.known() {
            Some(shape) => Shape::from(shape),
            None => with_rows(&spec.shape, values.len())?,
        };
        let (found, wanted) = (values.len(), shape.elements());
        anyhow::ensure!(wanted == Some(found), "{found} numbers given for {spec}");
        Values::Given(values).tensor(&spec.with_shape(shape), Uniform::new(0, ""))
    });
    outputs.collect()
}

/// A shape whose first dimension alone only the data decide, so that it has this many elements.
fn with_rows(shape: &Shape, elements: usize) -> anyhow::Result<Shape> {
    let rest = shape.dims().get(1..).unwrap_or_default();
    let rest: Option<Vec<usize>> = rest.iter().map(Dim::known).collect();
    let rest = rest.context("more than the first dimension of an output is unknown")?;
    let row: usize = rest.iter().product();
    let rows = elements / row.max(1);
    Ok(Shape::from([&[rows][..], &rest].concat()))
}
