//! The image processors that are known, as data.

use super::image::Filter;
use super::recipe::Rule;

/// A kind of processor: the values that its configurations need not name.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The kinds of models, as `config.json` names them, that have it where nothing else is said.
    pub(super) models: &'static [&'static str],
    pub(super) size: Rule,
    pub(super) filter: Filter,
    pub(super) mean: [f64; 3],
    pub(super) std: [f64; 3],
    pub(super) crop: Crops,
    pub(super) divisor: usize,
    pub(super) pads: bool,
}

/// How a kind cuts out the centre.
pub(super) enum Crops {
    Never,
    IfAsked,
    /// This many pixels a side unless another size is given.
    Always(usize),
    /// Below 384 pixels: resized to a larger side by `crop_pct`, then cut.
    ByShare,
}

const VIT: Kind = Kind {
    name: "ViTImageProcessor",
    models: &["vit", "swin"],
    size: Rule::Exact([224; 2]),
    filter: Filter::Bilinear,
    mean: [0.5; 3],
    std: [0.5; 3],
    crop: Crops::IfAsked,
    divisor: 1,
    pads: false,
};

const DETR: Kind = Kind {
    name: "DetrImageProcessor",
    models: &["detr"],
    size: Rule::Edges {
        shortest: 800,
        longest: 1333,
    },
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    crop: Crops::Never,
    pads: true,
    ..VIT
};

pub(super) const KINDS: &[Kind] = &[
    VIT,
    DETR,
    Kind {
        name: "MaskFormerImageProcessor",
        models: &["maskformer"],
        divisor: 32,
        ..DETR
    },
    Kind {
        name: "SegformerImageProcessor",
        models: &["segformer"],
        size: Rule::Exact([512; 2]),
        pads: false,
        ..DETR
    },
    Kind {
        name: "DeiTImageProcessor",
        models: &["deit"],
        size: Rule::Exact([256; 2]),
        filter: Filter::Bicubic,
        crop: Crops::Always(224),
        ..VIT
    },
    Kind {
        name: "MobileNetV2ImageProcessor",
        models: &["mobilenet_v2"],
        size: Rule::Shortest(256),
        crop: Crops::Always(224),
        ..VIT
    },
    Kind {
        name: "ConvNextImageProcessor",
        models: &["resnet"],
        size: Rule::Shortest(384),
        filter: Filter::Bicubic,
        crop: Crops::ByShare,
        ..VIT
    },
];
