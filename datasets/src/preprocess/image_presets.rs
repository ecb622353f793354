//! The image preprocessing that published checkpoints ask for, as data.

use super::detection::DetectionPreprocessor;
use super::image::{Filter, ImagePreprocessor, Resize};

const IMAGENET_MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f64; 3] = [0.229, 0.224, 0.225];

/// torchvision's evaluation transform of the `IMAGENET1K_V2` weights: shorter side 232, centre crop 224.
pub const IMAGENET_EVAL_232: ImagePreprocessor = ImagePreprocessor {
    id: "imagenet-eval-232",
    resize: Resize::ShortestSide(232),
    filter: Filter::Bilinear,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
};

/// `ViTImageProcessor` with the values of `google/vit-*`: exact size, mean and deviation one half.
pub const VIT_HALF: ImagePreprocessor = ImagePreprocessor {
    id: "vit-half",
    resize: Resize::Exact,
    filter: Filter::Bilinear,
    mean: [0.5; 3],
    std: [0.5; 3],
};

/// `ViTImageProcessor` with the values of `microsoft/swin-*`: exact size, bicubic, ImageNet statistics.
pub const IMAGENET_BICUBIC: ImagePreprocessor = ImagePreprocessor {
    id: "imagenet-bicubic",
    resize: Resize::Exact,
    filter: Filter::Bicubic,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
};

/// Exact size with ImageNet statistics, as `SegformerImageProcessor` with the values of `nvidia/segformer-*`
/// does. DETR normalises alike, but keeps the aspect ratio; a graph of fixed size gets the whole picture at its
/// own.
pub const IMAGENET_EXACT: ImagePreprocessor = ImagePreprocessor {
    id: "imagenet-exact",
    resize: Resize::Exact,
    filter: Filter::Bilinear,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
};

/// `MaskFormerImageProcessor` with the values of `facebook/maskformer-swin-base-coco`: the aspect ratio is kept up
/// to sides that are multiples of 32, and zeros pad the picture to the input's size.
pub const MASKFORMER_PADDED: ImagePreprocessor = ImagePreprocessor {
    id: "maskformer-padded",
    resize: Resize::Padded { divisor: 32 },
    filter: Filter::Bilinear,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
};

/// Exact size with values from 0 to 1: for torchvision's detectors, which normalise inside the model.
pub const UNIT_EXACT: ImagePreprocessor = ImagePreprocessor {
    id: "unit-exact",
    resize: Resize::Exact,
    filter: Filter::Bilinear,
    mean: [0.0; 3],
    std: [1.0; 3],
};

/// `DetrImageProcessor` with the values of `facebook/detr-resnet-50`: aspect ratio kept, padded, ImageNet
/// statistics.
pub const DETECTION_IMAGENET: DetectionPreprocessor = DetectionPreprocessor {
    id: "detection-imagenet",
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
};

/// The same with values from 0 to 1: for torchvision's detectors, which normalise inside the model.
pub const DETECTION_UNIT: DetectionPreprocessor = DetectionPreprocessor {
    id: "detection-unit",
    mean: [0.0; 3],
    std: [1.0; 3],
};
