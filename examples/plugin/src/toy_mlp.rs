//! The model `toy-mlp`: a classifier of two layers with a squared ReLU between them.

use nongemm_core::graph::{BuildError, GraphBuilder};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Preprocessor};
use nongemm_core::shape::TensorSpec;
use nongemm_operators::{self as ops, layers};

use crate::squared_relu::SquaredRelu;

struct ToyMlp;

nongemm_core::register!(dyn Model, &ToyMlp);

impl Model for ToyMlp {
    fn id(&self) -> &'static str {
        "toy-mlp"
    }

    fn domain(&self) -> Domain {
        Domain::ImageClassification
    }

    fn sizes(&self) -> DefaultSizes {
        DefaultSizes::image(32)
    }

    fn build(&self, g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
        let (batch, side) = (config.batch, config.image()?);
        let hidden = config.settings.get("hidden", 64)?;
        let x = TensorSpec::new(g.dtype(), [batch, 3, side, side]);
        let x = g.input("pixel_values", x)?;
        let x = ops::flatten(g, x, 1, -1)?;
        let x = layers::linear(g, "fc1", x, 3 * side * side, hidden, true)?;
        let x = g.scope("act", |g| g.one(SquaredRelu, &[x]))?;
        let logits = layers::linear(g, "fc2", x, hidden, 10, true)?;
        g.output("logits", logits);
        Ok(())
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        Box::new(nongemm_datasets::VIT_HALF)
    }
}
