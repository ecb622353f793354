//! Residual networks (He et al. 2015) as image classifiers.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Preprocessor, Provenance};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::IMAGENET_EVAL_232;
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

use crate::settings::{batch, image, preset, size, stages};

/// A published residual network of bottleneck blocks: torchvision's `resnet50` and its kin, with the
/// stride in the middle convolution ("v1.5").
///
/// Input `pixel_values[batch, 3, image, image]`, output `logits[batch, labels]`.
#[derive(Clone, Copy, Debug)]
pub struct ResNet {
    id: &'static str,
    checkpoint: &'static str,
    reference: &'static str,
    sizes: Sizes,
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Blocks of each stage.
    stages: [usize; 4],
    labels: usize,
}

const SMALL: Sizes = Sizes {
    stages: [2, 1, 1, 1],
    labels: 10,
};

/// 26 million parameters.
pub static RESNET50: ResNet = ResNet {
    id: "resnet50",
    checkpoint: "torchvision resnet50 IMAGENET1K_V2",
    reference: "torchvision 0.26.0 resnet50",
    sizes: Sizes {
        stages: [3, 4, 6, 3],
        labels: 1000,
    },
};

register!(dyn Model, &RESNET50);

const EPS: f64 = 1e-5;
/// Channels that a bottleneck's result has for each of its inner ones.
const EXPANSION: usize = 4;
/// Channels of the first convolution, and inner channels of the first stage.
const WIDTH: usize = 64;

impl Model for ResNet {
    fn id(&self) -> &'static str {
        self.id
    }

    fn domain(&self) -> Domain {
        Domain::ImageClassification
    }

    fn provenance(&self) -> Provenance {
        Provenance {
            checkpoint: self.checkpoint,
            reference: self.reference,
        }
    }

    fn sizes(&self) -> DefaultSizes {
        DefaultSizes::image(224)
    }

    fn build(&self, g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
        let settings = &config.settings;
        let sizes = preset(settings, self.sizes, SMALL)?;
        let stages = stages(settings, sizes.stages)?;
        let labels = size(settings, "labels", sizes.labels)?;
        let image = image(config)?;
        let shape = [batch(config)?, 3, image, image];
        let pixels = g.input("pixel_values", TensorSpec::new(g.dtype(), shape))?;
        let features = body(g, pixels, stages, Norm::Batch(EPS))?;
        let (x, channels) = features[3];
        let x = g.scope("avgpool", |g| ops::adaptive_avg_pool2d(g, x, [1, 1]))?;
        let x = ops::flatten(g, x, 1, -1)?;
        let logits = layers::linear(g, "fc", x, channels, labels, true)?;
        g.output("logits", logits);
        Ok(())
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        Box::new(IMAGENET_EVAL_232)
    }
}

/// Which normalization follows the convolutions; its epsilon.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Norm {
    /// Batch normalization as in training.
    Batch(f64),
    /// With constants, as detectors have it.
    Frozen(f64),
}

impl Norm {
    fn build(
        self,
        g: &mut GraphBuilder,
        name: &str,
        x: Value,
        channels: usize,
    ) -> Result<Value, BuildError> {
        match self {
            Norm::Batch(eps) => layers::batch_norm(g, name, x, channels, eps),
            Norm::Frozen(eps) => layers::frozen_batch_norm(g, name, x, channels, eps),
        }
    }
}

/// Everything but the classifier: the results of the four stages and their numbers of channels.
pub(crate) fn body(
    g: &mut GraphBuilder,
    pixels: Value,
    stages: [usize; 4],
    norm: Norm,
) -> Result<[(Value, usize); 4], BuildError> {
    let mut x = stem(g, pixels, norm)?;
    let mut channels = WIDTH;
    let mut features = [(x, channels); 4];
    for (stage, count) in stages.into_iter().enumerate() {
        let inner = WIDTH << stage;
        for index in 0..count {
            let block = Bottleneck {
                channels,
                inner,
                stride: if stage > 0 && index == 0 { 2 } else { 1 },
                norm,
            };
            let name = format!("layer{}.{index}", stage + 1);
            x = g.scope(&name, |g| block.build(g, x))?;
            channels = inner * EXPANSION;
        }
        features[stage] = (x, channels);
    }
    Ok(features)
}

fn stem(g: &mut GraphBuilder, x: Value, norm: Norm) -> Result<Value, BuildError> {
    let x = conv(g, "conv1", x, [3, WIDTH], 7, 2)?;
    let x = norm.build(g, "bn1", x, WIDTH)?;
    let x = relu(g, x)?;
    g.scope("maxpool", |g| ops::max_pool2d(g, x, [3, 3], [2, 2], [1, 1]))
}

struct Bottleneck {
    /// Channels of the input.
    channels: usize,
    /// Channels of the middle convolution.
    inner: usize,
    stride: usize,
    norm: Norm,
}

impl Bottleneck {
    fn build(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let Bottleneck {
            channels,
            inner,
            stride,
            norm,
        } = *self;
        let outer = inner * EXPANSION;
        let y = conv(g, "conv1", x, [channels, inner], 1, 1)?;
        let y = norm.build(g, "bn1", y, inner)?;
        let y = relu(g, y)?;
        let y = conv(g, "conv2", y, [inner, inner], 3, stride)?;
        let y = norm.build(g, "bn2", y, inner)?;
        let y = relu(g, y)?;
        let y = conv(g, "conv3", y, [inner, outer], 1, 1)?;
        let y = norm.build(g, "bn3", y, outer)?;
        let x = if stride != 1 || channels != outer {
            let x = conv(g, "downsample.0", x, [channels, outer], 1, stride)?;
            norm.build(g, "downsample.1", x, outer)?
        } else {
            x
        };
        let y = ops::add_(g, y, x)?;
        relu(g, y)
    }
}

/// A convolution without bias that keeps the size, apart from the stride.
fn conv(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
) -> Result<Value, BuildError> {
    let conv = Conv2d {
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        ..Conv2d::default()
    };
    layers::conv2d(g, name, x, channels, [kernel; 2], conv, false)
}

fn relu(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    g.scope("relu", |g| ops::relu_(g, x))
}
