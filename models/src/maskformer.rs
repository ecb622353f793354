//! MaskFormer (Cheng et al. 2021, <https://arxiv.org/abs/2107.06278>): a Swin transformer, a feature pyramid
//! that gives every pixel an embedding, and a transformer decoder whose queries each find one segment.

mod backbone;
mod decoder;
mod pyramid;

use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_datasets::MASKFORMER_PADDED;
use nongemm_operators as ops;
use nongemm_operators::{ReduceKind, layers};

use crate::published::Published;
use crate::settings::{
    batch, divide, image, images, preset, signed, size, small_size, stages, widths,
};
use backbone::Backbone;
use decoder::Decoder;

#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Blocks of each stage of the backbone.
    stages: [usize; 4],
    /// Features of the backbone's first stage.
    hidden: usize,
    /// Heads of each stage.
    heads: [usize; 4],
    window: usize,
    /// Features of the pyramid, of masks and of queries.
    decoder: usize,
    decoder_layers: usize,
    decoder_heads: usize,
    intermediate: usize,
    queries: usize,
    labels: usize,
}

const SMALL: Sizes = Sizes {
    stages: [1, 2, 1, 1],
    hidden: 16,
    heads: [1, 2, 4, 4],
    window: 2,
    decoder: 32,
    decoder_layers: 2,
    decoder_heads: 4,
    intermediate: 64,
    queries: 5,
    labels: 10,
};

const SWIN_BASE: Sizes = Sizes {
    stages: [2, 2, 18, 2],
    hidden: 128,
    heads: [4, 8, 16, 32],
    window: 12,
    decoder: 256,
    decoder_layers: 6,
    decoder_heads: 8,
    intermediate: 2048,
    queries: 100,
    labels: 133,
};

/// MaskFormer with Swin-Base: 102 million parameters, transformers' `MaskFormerForInstanceSegmentation`.
///
/// Input `pixel_values[batch, channels, image, image]`, outputs `class_queries_logits[batch, queries, labels +
/// 1]` and `masks_queries_logits[batch, queries, image / 4, image / 4]`; with `postprocess=semantic` also the
/// label of every pixel, `segmentation[batch, image, image]`, as the published processor computes it.
pub static MASKFORMER: Published = Published {
    id: "maskformer",
    domain: Domain::ImageSegmentation,
    checkpoint: "facebook/maskformer-swin-base-coco",
    reference: "transformers 5.17.0 MaskFormerForInstanceSegmentation",
    sizes: DefaultSizes::image(800),
    build: |g, config| Net::read(SWIN_BASE, config)?.build(g),
    preprocessor: || Box::new(MASKFORMER_PADDED),
};

register!(dyn Model, &MASKFORMER);

const EPS: f64 = 1e-5;
const CHANNELS: usize = 3;
const PATCH: usize = 4;
const MLP_RATIO: usize = 4;
/// The table of relative positions has the fourth power of a window's side.
const LARGEST_WINDOW: usize = 48;

/// A checked configuration.
struct Net {
    batch: usize,
    image: usize,
    labels: usize,
    width: usize,
    postprocess: bool,
    backbone: Backbone,
    decoder: Decoder,
}

impl Net {
    fn read(full: Sizes, config: &ModelConfig) -> Result<Self, BuildError> {
        let settings = &config.settings;
        let sizes = preset(settings, full, SMALL)?;
        let postprocess = settings.choice("postprocess", &["none", "semantic"])? == "semantic";
        let batch = if postprocess { images } else { batch }(config)?;
        let image = image(config)?;
        let width = size(settings, "decoder", sizes.decoder)?;
        divide(
            "decoder",
            width,
            "groups of its normalization",
            pyramid::GROUPS,
        )?;
        let backbone = Backbone {
            batch,
            image,
            channels: size(settings, "channels", CHANNELS)?,
            patch: size(settings, "patch", PATCH)?,
            stages: stages(settings, sizes.stages)?,
            hidden: size(settings, "hidden", sizes.hidden)?,
            heads: widths(settings, "heads", sizes.heads)?,
            window: small_size(settings, "window", sizes.window, LARGEST_WINDOW)?,
            mlp_ratio: size(settings, "mlp_ratio", MLP_RATIO)?,
        };
        let decoder_heads = size(settings, "decoder_heads", sizes.decoder_heads)?;
        divide("decoder", width, "decoder_heads", decoder_heads)?;
        for (stage, heads) in backbone.heads.into_iter().enumerate() {
            divide("hidden", backbone.hidden << stage, "heads", heads)?;
        }
        Ok(Net {
            batch,
            image,
            labels: size(settings, "labels", sizes.labels)?,
            width,
            postprocess,
            backbone,
            decoder: Decoder {
                layers: small_size(settings, "decoder_layers", sizes.decoder_layers, 1 << 10)?,
                heads: decoder_heads,
                intermediate: size(settings, "intermediate", sizes.intermediate)?,
                queries: size(settings, "queries", sizes.queries)?,
                width,
            },
        })
    }

    fn build(&self, g: &mut GraphBuilder) -> Result<(), BuildError> {
        let side = self.image;
        let shape = [self.batch, self.backbone.channels, side, side];
        let pixels = g.input("pixel_values", TensorSpec::new(g.dtype(), shape))?;
        let (queries, embeddings) = g.scope("model", |g| self.model(g, pixels))?;
        let (width, classes) = (self.width, self.labels + 1);
        let labels = layers::linear(g, "class_predictor", queries, width, classes, true)?;
        let masks = g.scope("mask_embedder", |g| self.mask_embedder(g, queries))?;
        let masks = ops::einsum(g, "bqc, bchw -> bqhw", masks, embeddings)?;
        g.output("class_queries_logits", labels);
        g.output("masks_queries_logits", masks);
        if self.postprocess {
            let segmentation = self.segmentation(g, labels, masks)?;
            g.output("segmentation", segmentation);
        }
        g.alias_all(published_name);
        Ok(())
    }

    /// What the queries have found, and the embeddings of pixels.
    fn model(&self, g: &mut GraphBuilder, pixels: Value) -> Result<(Value, Value), BuildError> {
        // A mask of pixels that nothing looks at.
        ops::ones(g, &[self.batch, self.image, self.image], g.dtype())?;
        let (maps, embeddings) = g.scope("pixel_level_module", |g| {
            let maps = g.scope("encoder", |g| self.backbone.build(g, pixels))?;
            let embeddings = g.scope("decoder", |g| pyramid::build(g, &maps, self.width))?;
            Ok::<_, BuildError>((maps, embeddings))
        })?;
        let last = maps[maps.len() - 1];
        let queries = g.scope("transformer_module", |g| self.decoder.build(g, last))?;
        Ok((queries, embeddings))
    }

    fn mask_embedder(&self, g: &mut GraphBuilder, mut x: Value) -> Result<Value, BuildError> {
        for index in 0..3 {
            let name = format!("{index}.0");
            x = layers::linear(g, &name, x, self.width, self.width, true)?;
            if index < 2 {
                x = g.scope(&format!("{index}.1"), |g| ops::relu(g, x))?;
            }
        }
        Ok(x)
    }

    /// The label of every pixel: that which the queries that see it vote for, weighted by how surely they do.
    fn segmentation(
        &self,
        g: &mut GraphBuilder,
        labels: Value,
        masks: Value,
    ) -> Result<Value, BuildError> {
        let chances = ops::softmax(g, labels, -1)?;
        let chances = ops::slice(g, chances, 2, 0, Some(-1))?;
        let masks = ops::sigmoid(g, masks)?;
        let votes = ops::einsum(g, "bqc, bqhw -> bchw", chances, masks)?;
        let mut images = Vec::new();
        for index in 0..self.batch {
            let votes = ops::select(g, votes, 0, signed(index))?;
            let votes = ops::unsqueeze(g, votes, 0)?;
            let votes = ops::upsample_bilinear2d(g, votes, [self.image; 2])?;
            let best = ops::select(g, votes, 0, 0)?;
            images.push(ops::reduce(g, ReduceKind::Argmax, best, &[0], false)?);
            // The votes themselves, which nobody asked for.
            ops::select(g, votes, 0, 0)?;
        }
        ops::stack(g, &images, 0)
    }
}

/// Modules of the decoder now, and in the version that the checkpoints were published with.
const RENAMED: [(&str, &str); 3] = [
    ("_attn.o_proj.", "_attn.out_proj."),
    (".mlp.fc1.", ".fc1."),
    (".mlp.fc2.", ".fc2."),
];

/// The name in published checkpoints, where it differs.
fn published_name(name: &str) -> Option<String> {
    let (now, published) = RENAMED.iter().find(|(now, _)| name.contains(now))?;
    Some(name.replace(now, published))
}
