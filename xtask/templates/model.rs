//! The model `my-plugin`: a classifier of photographs with one hidden layer.

use nongemm_core::graph::{BuildError, GraphBuilder};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Preprocessor};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::VIT_HALF;
use nongemm_operators::{self as ops, layers};

/// The model. Scopes and parameters are named as in the checkpoint that it loads.
#[derive(Debug)]
pub struct MyPlugin;

register!(dyn Model, &MyPlugin);

impl Model for MyPlugin {
    fn id(&self) -> &'static str {
        "my-plugin"
    }

    fn domain(&self) -> Domain {
        Domain::ImageClassification
    }

    fn sizes(&self) -> DefaultSizes {
        DefaultSizes::image(32)
    }

    fn build(&self, g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
        let (batch, side) = (config.batch, config.image()?);
        // What `--set hidden=N` changes.
        let hidden = config.settings.get("hidden", 64)?;
        let pixels = TensorSpec::new(g.dtype(), [batch, 3, side, side]);
        let x = g.input("pixel_values", pixels)?;
        let x = ops::flatten(g, x, 1, -1)?;
        let x = layers::linear(g, "fc1", x, 3 * side * side, hidden, true)?;
        let x = g.scope("act", |g| ops::relu(g, x))?;
        let logits = layers::linear(g, "fc2", x, hidden, 10, true)?;
        g.output("logits", logits);
        Ok(())
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        Box::new(VIT_HALF)
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::dtype::DType;
    use nongemm_core::plugin::{Plugins, Settings};

    use super::*;

    #[test]
    fn it_is_registered_and_builds() {
        let plugins = Plugins::collect().unwrap();
        let model = plugins.models.get("my-plugin").unwrap();
        let mut g = GraphBuilder::new(DType::F32);
        let config = ModelConfig {
            batch: 2,
            seq: None,
            image: model.sizes().image,
            dtype: DType::F32,
            settings: Settings::default(),
        };
        model.build(&mut g, &config).unwrap();
        let graph = g.finish();
        let nodes = graph.nodes().iter().map(|node| node.op.name());
        let nodes: Vec<&str> = nodes.collect();
        assert_eq!(nodes, ["flatten", "linear", "relu", "linear"]);
    }
}
