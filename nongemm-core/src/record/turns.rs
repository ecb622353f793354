//! Several inputs that are measured in turn: what differs between them.

use super::summarize::named;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::{Measurement, StepShapes};
use crate::shape::TensorSpec;
use crate::stats;

/// The inputs of a run that has several. Sample `n` of the latency, and instrumented run `n`, used input `n`
/// modulo their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turns {
    /// Each input.
    pub inputs: Vec<Turn>,
    /// The operators whose outputs have other sizes for other inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<DifferingOp>,
}

/// One input: the tensors that one inference takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The items of the dataset in it.
    pub items: Vec<String>,
    /// How long reading and preprocessing them took, outside all that is timed.
    pub prepared_ns: u64,
    /// The tensors by the names of the graph's inputs.
    pub tensors: BTreeMap<String, TensorSpec>,
    /// Number of samples that used it.
    pub n: usize,
    /// Their median latency.
    pub median_ns: f64,
}

/// An operator whose outputs have sizes that depend on the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferingOp {
    /// Its id among the operators of the profile.
    pub id: String,
    /// For each input, its outputs.
    pub outputs: Vec<Vec<TensorSpec>>,
}

impl Turns {
    /// Adds what a measurement says about each input: the median of its samples, and, from the outputs that
    /// were seen with each, the operators that they differ for.
    pub fn measured(&mut self, m: &Measurement, shapes: &[StepShapes]) {
        let count = self.inputs.len();
        for (index, input) in self.inputs.iter_mut().enumerate() {
            let own = m.plain_ns.iter().skip(index).step_by(count);
            let own: Vec<f64> = own.map(|&ns| ns as f64).collect();
            input.n = own.len();
            input.median_ns = stats::median(&own).unwrap_or_default();
        }
        let Some(first) = shapes.first() else { return };
        let differs = |step: &&u32| {
            let own = first.get(*step);
            shapes.iter().any(|shapes| shapes.get(*step) != own)
        };
        let differing = first.keys().filter(differs).filter_map(|step| {
            let known = m.steps.get(*step as usize)?;
            let outputs = shapes.iter().map(|shapes| {
                let seen = shapes.get(step).into_iter().flatten();
                let pairs = seen.zip(&known.outputs);
                pairs
                    .map(|(seen, inferred)| named(seen, inferred))
                    .collect()
            });
            Some(DifferingOp {
                id: known.id.clone(),
                outputs: outputs.collect(),
            })
        });
        self.differing = differing.collect();
    }
}
