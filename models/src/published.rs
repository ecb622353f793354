//! What every published model has in common, as data.

use std::fmt;

use nongemm_core::graph::{BuildError, GraphBuilder};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Preprocessor, Provenance};

/// A published model. A family is a function that builds a graph and one of these for each variant;
/// what the variants share is a constant that they are made from (`..FAMILY`).
#[derive(Clone, Copy)]
pub struct Published {
    /// The id that users name it by.
    pub(crate) id: &'static str,
    pub(crate) domain: Domain,
    /// The checkpoint whose configuration is the default.
    pub(crate) checkpoint: &'static str,
    /// The reference implementation: library, version and class.
    pub(crate) reference: &'static str,
    /// The input sizes of a run that names none.
    pub(crate) sizes: DefaultSizes,
    /// Reads the settings and builds the graph.
    pub(crate) build: fn(&mut GraphBuilder, &ModelConfig) -> Result<(), BuildError>,
    pub(crate) preprocessor: fn() -> Box<dyn Preprocessor>,
}

impl Model for Published {
    fn id(&self) -> &'static str {
        self.id
    }

    fn domain(&self) -> Domain {
        self.domain
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            checkpoint: self.checkpoint,
            reference: self.reference,
        }
    }

    fn sizes(&self) -> DefaultSizes {
        self.sizes
    }

    fn build(&self, g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
        (self.build)(g, config)
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        (self.preprocessor)()
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Published").field(&self.id).finish()
    }
}
