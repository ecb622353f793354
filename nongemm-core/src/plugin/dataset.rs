//! Datasets and the preprocessing that turns their samples into inputs.

use std::collections::BTreeMap;
use std::path::Path;

use super::registry::plugin_kind;
use crate::graph::Graph;
use crate::shape::TensorSpec;
use crate::tensor::HostTensor;

/// A decoded photograph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// File name or title, for messages.
    pub name: String,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// 8-bit RGB, row by row, `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

/// A passage of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// File name or title, for messages.
    pub name: String,
    /// The passage.
    pub text: String,
    /// Its token ids by vocabulary (`gpt2`, `bert-base-uncased`), without special tokens.
    pub ids: BTreeMap<String, Vec<u32>>,
}

/// One item of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its own payload")]
pub enum Sample {
    Image(Image),
    Text(Text),
}

impl Sample {
    /// Its file name or title.
    pub fn name(&self) -> &str {
        match self {
            Sample::Image(image) => &image.name,
            Sample::Text(text) => &text.name,
        }
    }
}

/// The kind of sample that a preprocessor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its own name")]
pub enum Modality {
    Image,
    Text,
}

/// A stream of samples, possibly endless: take what is needed, never collect it. An item that cannot be
/// read is an error of its own; the stream goes on.
pub type Samples = Box<dyn Iterator<Item = anyhow::Result<Sample>>>;

/// A source of samples, opened as `ID` or `ID:PATH`.
pub trait Dataset: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it holds, in one line.
    fn summary(&self) -> &'static str;

    /// Opens the samples of one kind.
    ///
    /// # Errors
    /// When the path is missing or unreadable, or the dataset holds no such samples.
    fn open(&self, modality: Modality, path: Option<&Path>) -> anyhow::Result<Samples>;
}

plugin_kind!(Dataset, "dataset");

/// One tensor that a graph wants.
#[derive(Clone, Debug)]
pub struct RequestedInput {
    /// Name of the graph's input.
    pub name: String,
    /// Its shape and dtype.
    pub spec: TensorSpec,
    /// For token ids: rows of the model's table. Ids must stay below.
    pub below: Option<usize>,
}

/// Which tensors a graph wants.
#[derive(Clone, Debug)]
pub struct InputRequest {
    /// Number of samples that run together.
    pub batch: usize,
    /// The graph's inputs, in order.
    pub inputs: Vec<RequestedInput>,
}

impl InputRequest {
    /// The request for all inputs of a graph.
    pub fn of(graph: &Graph, batch: usize) -> Self {
        let inputs = graph.inputs().iter().map(|input| RequestedInput {
            name: input.name.clone(),
            spec: graph.spec(input.value).clone(),
            below: input.below,
        });
        InputRequest {
            batch,
            inputs: inputs.collect(),
        }
    }

    /// The input called `name`.
    pub fn input(&self, name: &str) -> Option<&RequestedInput> {
        self.inputs.iter().find(|input| input.name == name)
    }
}

/// Turns samples into the tensors that a graph takes.
pub trait Preprocessor: Send + Sync {
    /// Its name, for reports.
    fn id(&self) -> &'static str;

    /// The kind of samples that it reads.
    fn modality(&self) -> Modality;

    /// One tensor for each input of `request`, in the order of `request.inputs`.
    ///
    /// # Errors
    /// When there are too few samples, or they do not fit.
    fn prepare(
        &self,
        samples: &mut dyn Iterator<Item = anyhow::Result<Sample>>,
        request: &InputRequest,
    ) -> anyhow::Result<Vec<HostTensor>>;
}
