//! A described model as a plugin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::graph::{BuildError, GraphBuilder};
use crate::plugin::{
    Companions, DefaultSizes, Domain, InputRequest, Modality, Model, ModelConfig, Preprocessor,
    Provenance, RequestedInput, Sample,
};
use crate::shape::{Dim, Shape};
use crate::tensor::HostTensor;

/// What a file says about the runs of the model that it describes. Manifests and flags override it.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// The file that says so.
    pub by: PathBuf,
    /// The program that a backend runs by itself, for models without a graph.
    pub file: Option<PathBuf>,
    /// Weights by location.
    pub weights: Option<String>,
    /// Dataset: `ID` or `ID:PATH`.
    pub dataset: Option<String>,
    /// Settings.
    pub settings: BTreeMap<String, String>,
    pub(super) inputs: Vec<DescribedInput>,
}

/// An input of a program; its sizes may be those of the run.
#[derive(Clone, Debug)]
pub(super) struct DescribedInput {
    pub(super) input: RequestedInput,
    pub(super) shape: Vec<Size>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Known(usize),
    Batch,
    Seq,
    Image,
}

impl Described {
    /// Whether a dataset gives the inputs of the program, and not the program's own surroundings.
    pub fn reads_dataset(&self) -> bool {
        self.dataset.is_some() || !self.inputs.is_empty()
    }

    /// The files that it is made of.
    pub fn files(&self) -> Vec<PathBuf> {
        let file = self.file.iter().cloned();
        file.chain([self.by.clone()]).collect()
    }

    /// The inputs of the program at these sizes; none where ready tensors say themselves what they are.
    pub fn request(&self, batch: usize, seq: Option<usize>, image: Option<usize>) -> InputRequest {
        let size = |size: &Size| match size {
            Size::Known(size) => Some(*size),
            Size::Batch => Some(batch),
            Size::Seq => seq,
            Size::Image => image,
        };
        let inputs = self.inputs.iter().map(|described| {
            let dims = described
                .shape
                .iter()
                .map(|s| Dim::Known(size(s).unwrap_or(1)));
            let mut input = described.input.clone();
            input.spec.shape = Shape::new(dims);
            input
        });
        InputRequest {
            batch,
            inputs: inputs.collect(),
            companions: Companions {
                folder: self.by.parent().map(Path::to_owned),
                ..Companions::default()
            },
        }
    }
}

/// A model that a file describes.
pub(super) struct FromFile {
    pub(super) id: &'static str,
    pub(super) domain: Domain,
    pub(super) provenance: Provenance,
    pub(super) sizes: DefaultSizes,
    /// The model whose graph it has.
    pub(super) base: Option<&'static dyn Model>,
    /// The model whose preprocessor it has.
    pub(super) reader: Option<&'static dyn Model>,
    pub(super) described: Described,
}

impl Model for FromFile {
    fn id(&self) -> &'static str {
        self.id
    }

    fn domain(&self) -> Domain {
        self.domain
    }

    fn provenance(&self) -> Provenance {
        self.provenance
    }

    fn sizes(&self) -> DefaultSizes {
        self.sizes
    }

    fn build(&self, builder: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
        match self.base {
            Some(base) => base.build(builder, config),
            None => Err(BuildError::config(format!(
                "it is the file {} and has no graph; `nongemm bench` runs it as it is",
                self.provenance.checkpoint
            ))),
        }
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        match self.reader {
            Some(model) => model.preprocessor(),
            None => Box::new(ReadyTensors),
        }
    }

    fn described(&self) -> Option<&Described> {
        Some(&self.described)
    }
}

/// Stands where no preprocessor is named: only ready tensors can be taken.
struct ReadyTensors;

impl Preprocessor for ReadyTensors {
    fn id(&self) -> &'static str {
        "none"
    }

    fn modality(&self) -> Modality {
        Modality::Tensors
    }

    fn prepare(
        &self,
        _: &mut dyn Iterator<Item = anyhow::Result<Sample>>,
        _: &InputRequest,
    ) -> anyhow::Result<Vec<HostTensor>> {
        anyhow::bail!("no preprocessor is named, so that only ready tensors can be taken")
    }
}
