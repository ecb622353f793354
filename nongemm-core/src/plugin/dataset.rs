//! Datasets and the preprocessing that turns their samples into inputs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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

/// Tensors that a graph takes as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensors {
    /// File name, for messages.
    pub name: String,
    /// The tensors by the names of the graph's inputs.
    pub tensors: BTreeMap<String, HostTensor>,
}

/// One item of a dataset.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant is its own payload")]
pub enum Sample {
    Image(Image),
    Text(Text),
    Tensors(Tensors),
}

impl Sample {
    /// Its file name or title.
    pub fn name(&self) -> &str {
        match self {
            Sample::Image(image) => &image.name,
            Sample::Text(text) => &text.name,
            Sample::Tensors(tensors) => &tensors.name,
        }
    }

    /// What kind it is.
    pub fn modality(&self) -> Modality {
        match self {
            Sample::Image(_) => Modality::Image,
            Sample::Text(_) => Modality::Text,
            Sample::Tensors(_) => Modality::Tensors,
        }
    }
}

/// The kind of sample that a preprocessor reads. Ready tensors need no preprocessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its own name")]
pub enum Modality {
    Image,
    Text,
    Tensors,
}

impl Modality {
    /// How messages call such samples.
    pub const fn name(self) -> &'static str {
        match self {
            Modality::Image => "photographs",
            Modality::Text => "text",
            Modality::Tensors => "ready tensors",
        }
    }
}

/// One pass over the samples: take what is needed, never collect it. An item that cannot be used is an
/// error of its own, which names it; the stream goes on. [`Reader`](crate::run::Reader) skips and counts
/// those, and starts again after the last one.
pub type Samples = Box<dyn Iterator<Item = anyhow::Result<Sample>>>;

/// A source of samples, opened as `ID` or `ID:PATH`.
///
/// ```
/// use std::path::Path;
///
/// use nongemm_core::plugin::{Dataset, Image, Modality, Plugins, Sample, Samples};
///
/// /// One grey photograph.
/// struct Grey;
///
/// impl Dataset for Grey {
///     fn id(&self) -> &'static str {
///         "grey"
///     }
///
///     fn summary(&self) -> &'static str {
///         "a grey photograph"
///     }
///
///     fn holds(&self) -> &'static [Modality] {
///         &[Modality::Image]
///     }
///
///     fn open(&self, _: Modality, _: Option<&Path>) -> anyhow::Result<Samples> {
///         let image = Image { name: "grey".to_owned(), width: 2, height: 1, rgb: vec![128; 6] };
///         Ok(Box::new(std::iter::once(Ok(Sample::Image(image)))))
///     }
/// }
///
/// nongemm_core::register!(dyn Dataset, &Grey);
///
/// let mut samples = Plugins::collect()?.datasets.get("grey")?.open(Modality::Image, None)?;
/// assert_eq!(samples.next().transpose()?.map(|sample| sample.name().to_owned()).as_deref(), Some("grey"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Dataset: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it holds, in one line.
    fn summary(&self) -> &'static str;

    /// The kinds of samples that it can hold.
    fn holds(&self) -> &'static [Modality];

    /// Opens the samples of one kind that it [holds](Dataset::holds), in the same order each time.
    ///
    /// # Errors
    /// When the path is missing or unreadable, or the dataset holds no such samples.
    fn open(&self, modality: Modality, path: Option<&Path>) -> anyhow::Result<Samples>;
}

plugin_kind!(Dataset, "dataset");

/// The parts of `ID` or `ID:PATH`.
pub fn split_location(location: &str) -> (&str, Option<&Path>) {
    match location.split_once(':') {
        Some((id, path)) => (id, Some(Path::new(path))),
        None => (location, None),
    }
}

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

/// Files that say how samples become inputs, beside what the preprocessor knows by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Companions {
    /// The tokenizer that the user named, a file or a folder.
    pub tokenizer: Option<PathBuf>,
    /// The configuration of a preprocessor that the user named, a file or a folder, or `model` for the model's own
    /// whatever comes with the weights.
    pub preprocessor: Option<PathBuf>,
    /// The folder that the weights lie in: a published checkpoint comes with its tokenizer and its
    /// preprocessor's configuration.
    pub folder: Option<PathBuf>,
}

/// Which tensors a graph wants.
#[derive(Clone, Debug, Default)]
pub struct InputRequest {
    /// Number of samples that run together.
    pub batch: usize,
    /// The graph's inputs, in order.
    pub inputs: Vec<RequestedInput>,
    /// Files that come with the weights.
    pub companions: Companions,
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
            companions: Companions::default(),
        }
    }

    /// The same with files that come with the weights.
    #[must_use]
    pub fn with(self, companions: Companions) -> Self {
        InputRequest { companions, ..self }
    }

    /// The input called `name`.
    pub fn input(&self, name: &str) -> Option<&RequestedInput> {
        self.inputs.iter().find(|input| input.name == name)
    }
}

/// Turns samples into the tensors that a graph takes.
///
/// ```
/// use anyhow::Context;
/// use nongemm_core::dtype::DType;
/// use nongemm_core::plugin::{
///     InputRequest, Modality, Preprocessor, RequestedInput, Sample, Text,
/// };
/// use nongemm_core::shape::TensorSpec;
/// use nongemm_core::tensor::{HostData, HostTensor};
///
/// /// The bytes of a text as token ids.
/// struct Bytes;
///
/// impl Preprocessor for Bytes {
///     fn id(&self) -> &'static str {
///         "bytes"
///     }
///
///     fn modality(&self) -> Modality {
///         Modality::Text
///     }
///
///     fn prepare(
///         &self,
///         samples: &mut dyn Iterator<Item = anyhow::Result<Sample>>,
///         request: &InputRequest,
///     ) -> anyhow::Result<Vec<HostTensor>> {
///         let input = request.input("input_ids").context("it fills `input_ids` only")?;
///         let shape = input.spec.shape.known().context("its sizes are known")?;
///         let count = shape.iter().product();
///         let sample = samples.next().context("there is no text")??;
///         let Sample::Text(text) = sample else { anyhow::bail!("it reads text") };
///         let ids = text.text.bytes().map(i64::from).cycle().take(count).collect();
///         Ok(vec![HostTensor::new(shape, HostData::I64(ids))?])
///     }
/// }
///
/// let request = InputRequest {
///     batch: 1,
///     inputs: vec![RequestedInput {
///         name: "input_ids".to_owned(),
///         spec: TensorSpec::new(DType::I64, [1, 4]),
///         below: Some(256),
///     }],
///     ..InputRequest::default()
/// };
/// let text = Text { name: "greeting".to_owned(), text: "hi".to_owned(), ids: Default::default() };
/// let tensors = Bytes.prepare(&mut std::iter::once(Ok(Sample::Text(text))), &request)?;
/// assert_eq!(tensors[0].data().to_f64(), [104.0, 105.0, 104.0, 105.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
pub trait Preprocessor: Send + Sync {
    /// Its name, for reports.
    fn id(&self) -> &'static str;

    /// The kind of samples that it reads.
    fn modality(&self) -> Modality;

    /// Checks what can be checked on the first sample without preparing it: that the files that come with the
    /// weights can be used.
    ///
    /// # Errors
    /// One line that names the file and what is wrong.
    fn check(&self, first: &Sample, request: &InputRequest) -> anyhow::Result<()> {
        let _ = (first, request);
        Ok(())
    }

    /// What it goes by for this request, for the record: the tokenizer, for example.
    fn describe(&self, request: &InputRequest) -> String {
        let _ = request;
        self.id().to_owned()
    }

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
