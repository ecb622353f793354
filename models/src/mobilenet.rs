//! Networks of inverted residuals (Sandler et al. 2018, MobileNetV2) as image classifiers.

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig, Preprocessor, Provenance};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::IMAGENET_EVAL_232;
use nongemm_operators as ops;
use nongemm_operators::{Conv2d, layers};

use crate::settings::{batch, image, preset, size, stages};

/// A published MobileNetV2: torchvision's `mobilenet_v2`.
///
/// Input `pixel_values[batch, 3, image, image]`, output `logits[batch, labels]`.
#[derive(Clone, Copy, Debug)]
pub struct MobileNetV2 {
    id: &'static str,
    checkpoint: &'static str,
    reference: &'static str,
    sizes: Sizes,
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Blocks of each stage.
    stages: [usize; 7],
    labels: usize,
}

const SMALL: Sizes = Sizes {
    stages: [1, 2, 1, 1, 1, 1, 1],
    labels: 10,
};

/// 3.5 million parameters.
pub static MOBILENET_V2: MobileNetV2 = MobileNetV2 {
    id: "mobilenet-v2",
    checkpoint: "torchvision mobilenet_v2 IMAGENET1K_V2",
    reference: "torchvision 0.26.0 mobilenet_v2",
    sizes: Sizes {
        stages: [1, 2, 3, 4, 3, 3, 1],
        labels: 1000,
    },
};

register!(dyn Model, &MOBILENET_V2);

const EPS: f64 = 1e-5;
const DROPOUT: f64 = 0.2;
/// Channels of the first convolution.
const FIRST: usize = 32;
/// Channels of the last convolution.
const LAST: usize = 1280;

/// What the blocks of a stage have in common.
struct Stage {
    /// Channels inside a block for each one of its input.
    expansion: usize,
    /// Channels of the result.
    channels: usize,
    /// Stride of the first block; the others have 1.
    stride: usize,
}

const fn stage(expansion: usize, channels: usize, stride: usize) -> Stage {
    Stage {
        expansion,
        channels,
        stride,
    }
}

/// Table 2 of the paper.
const STAGES: [Stage; 7] = [
    stage(1, 16, 1),
    stage(6, 24, 2),
    stage(6, 32, 2),
    stage(6, 64, 2),
    stage(6, 96, 1),
    stage(6, 160, 2),
    stage(6, 320, 1),
];

impl Model for MobileNetV2 {
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
        let x = g.scope("features", |g| features(g, pixels, stages))?;
        let x = ops::adaptive_avg_pool2d(g, x, [1, 1])?;
        let x = ops::flatten(g, x, 1, -1)?;
        let logits = g.scope("classifier", |g| {
            let x = g.scope("0", |g| ops::dropout(g, x, DROPOUT))?;
            layers::linear(g, "1", x, LAST, labels, true)
        })?;
        g.output("logits", logits);
        Ok(())
    }

    fn preprocessor(&self) -> Box<dyn Preprocessor> {
        Box::new(IMAGENET_EVAL_232)
    }
}

/// The convolutions, numbered through all stages as the reference's `features` are.
fn features(g: &mut GraphBuilder, pixels: Value, stages: [usize; 7]) -> Result<Value, BuildError> {
    let mut x = activated(g, "0", pixels, [3, FIRST], 3, strided(2))?;
    let mut channels = FIRST;
    let mut index = 1;
    for (stage, count) in STAGES.iter().zip(stages) {
        for repeat in 0..count {
            let block = InvertedResidual {
                input: channels,
                output: stage.channels,
                expansion: stage.expansion,
                stride: if repeat == 0 { stage.stride } else { 1 },
            };
            x = g.scope(&index.to_string(), |g| block.build(g, x))?;
            channels = stage.channels;
            index += 1;
        }
    }
    activated(g, &index.to_string(), x, [channels, LAST], 1, strided(1))
}

/// A block that is wide inside: pointwise up unless it keeps the width, depthwise, pointwise down.
struct InvertedResidual {
    /// Channels of the input.
    input: usize,
    /// Channels of the result.
    output: usize,
    expansion: usize,
    stride: usize,
}

impl InvertedResidual {
    fn build(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let y = g.scope("conv", |g| self.conv(g, x))?;
        if self.stride == 1 && self.input == self.output {
            ops::add(g, x, y)
        } else {
            Ok(y)
        }
    }

    fn conv(&self, g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
        let inner = self.input * self.expansion;
        let (x, names) = if self.expansion == 1 {
            (x, ["0", "1", "2"])
        } else {
            let x = activated(g, "0", x, [self.input, inner], 1, strided(1))?;
            (x, ["1", "2", "3"])
        };
        let depthwise = Conv2d {
            groups: inner,
            ..strided(self.stride)
        };
        let x = activated(g, names[0], x, [inner, inner], 3, depthwise)?;
        let x = conv(g, names[1], x, [inner, self.output], 1, strided(1))?;
        layers::batch_norm(g, names[2], x, self.output, EPS)
    }
}

/// torchvision's `Conv2dNormActivation`: convolution, normalization and ReLU6.
fn activated(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: [usize; 2],
    kernel: usize,
    settings: Conv2d,
) -> Result<Value, BuildError> {
    g.scope(name, |g| {
        let x = conv(g, "0", x, channels, kernel, settings)?;
        let x = layers::batch_norm(g, "1", x, channels[1], EPS)?;
        g.scope("2", |g| ops::relu6(g, x, true))
    })
}

/// A convolution without bias that keeps the size, apart from the stride.
fn conv(
    g: &mut GraphBuilder,
    name: &str,
    x: Value,
    channels: [usize; 2],
    kernel: usize,
    settings: Conv2d,
) -> Result<Value, BuildError> {
    let conv = Conv2d {
        padding: [kernel / 2; 2],
        ..settings
    };
    layers::conv2d(g, name, x, channels, [kernel; 2], conv, false)
}

fn strided(stride: usize) -> Conv2d {
    Conv2d {
        stride: [stride; 2],
        ..Conv2d::default()
    }
}
