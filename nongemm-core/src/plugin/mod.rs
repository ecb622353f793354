//! Plugin traits and the registries that find plugins by id.
//!
//! A plugin is a value of a type that implements one of these traits, registered with
//! [`register!`](crate::register) in any crate that is linked into the binary. This module names no
//! model, operator, backend or probe.

mod all;
mod availability;
mod backend;
mod classifier;
mod dataset;
mod device;
mod energy;
mod exporter;
mod format;
mod model;
pub mod nearest;
mod panics;
mod preset;
mod probe;
mod profiler;
mod registry;
mod reporter;
mod settings;
mod support;
mod weights;

pub use all::{Plugins, PluginsError};
pub use availability::Availability;
pub use backend::{
    Backend, FileInputs, Parent, PrepareError, PrepareOptions, Session, SessionMemory, Step,
};
pub use classifier::{Classification, OpEvent, OperatorClassifier};
pub use dataset::{
    Companions, Dataset, Image, InputRequest, Modality, Preprocessor, RequestedInput, Sample,
    Samples, Tensors, Text, split_location,
};
pub use device::Device;
pub use energy::{EnergyKind, EnergyMeter, EnergySensor};
pub use exporter::Exporter;
pub use format::{Exported, Imported, RefusedLine, RegistryFormat};
pub use model::{DefaultSizes, Domain, Model, ModelConfig, Provenance};
pub(crate) use panics::caught;
pub use panics::{Acting, Panicked, acting, is_guarded};
pub use preset::Preset;
pub use probe::{HardwareProbe, Quantity, Reading, Sampler};
pub use profiler::Profiler;
#[cfg(feature = "conformance")]
pub(crate) use registry::plugin_kind;
pub use registry::{Plugin, Registered, Registry, RegistryError};
pub use reporter::{ReportTarget, Reporter, Terminal};
pub use settings::Settings;
pub use support::{Support, support};
pub use weights::{Claim, FileDigest, NoWeights, WeightFormat, WeightSource};
