//! Image processors of the reference, by their configurations: what is written there, and what each kind means
//! by what is not.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use super::image::Filter;
use super::kinds::{Crops, KINDS, Kind};
use super::recipe::{Crop, Recipe, Rule};
use super::values::{Size, Values};

/// From this side on, processors of the kind [`Crops::ByShare`] cut nothing.
const UNCUT: usize = 384;

/// The part of the side that they keep below it.
const SHARE: f64 = 0.875;

/// What labels, annotations and tensors of other libraries are made by: nothing of it concerns photographs.
const ELSEWHERE: &[&str] = &[
    "processor_class",
    "format",
    "do_convert_annotations",
    "do_convert_rgb",
    "do_reduce_labels",
    "reduce_labels",
    "ignore_index",
    "num_labels",
    "return_tensors",
    "return_segmentation_masks",
    "device",
    "disable_grouping",
    "transformers_version",
    "_valid_processor_keys",
];

/// A processor that was read.
#[derive(Debug)]
pub(crate) struct Processor {
    pub(crate) name: &'static str,
    pub(crate) recipe: Recipe,
    /// The size that everything is padded to, where it is given.
    pub(crate) padded: Option<[usize; 2]>,
}

impl Processor {
    /// Reads a configuration; `model` is the kind of model, asked for where it does not name its processor.
    ///
    /// # Errors
    /// When it names another processor or asks for what is not done here.
    pub(crate) fn of(
        values: Map<String, Value>,
        model: impl FnOnce() -> Option<String>,
    ) -> Result<Self> {
        let mut values = Values(values);
        let kind = kind(&mut values, model)?;
        let (rule, crop) = size(&mut values, kind)?;
        let divisor = values.whole("size_divisor")?;
        let divisor = divisor.or(values.whole("size_divisibility")?);
        ensure!(
            divisor.is_none() || kind.divisor > 1,
            "{} knows no size_divisor",
            kind.name
        );
        let pads = values.flag("pad_and_return_pixel_mask", kind.pads)?;
        let pads = values.flag("do_pad", pads)?;
        let padded = values.sides("pad_size")?.filter(|_| pads);
        let filter = match values.whole("resample")? {
            None => kind.filter,
            Some(2) => Filter::Bilinear,
            Some(3) => Filter::Bicubic,
            Some(other) => bail!("resample {other} is not known; known: 2 (bilinear), 3 (bicubic)"),
        };
        let (factor, [mean, std]) = normalization(&mut values, kind)?;
        values.finish(ELSEWHERE)?;
        let recipe = Recipe {
            rule,
            divisor: match rule {
                Rule::Keep => 1,
                _ => divisor.unwrap_or(kind.divisor),
            },
            filter,
            crop,
            factor,
            mean,
            std,
            pads,
        };
        Ok(Processor {
            name: kind.name,
            recipe,
            padded,
        })
    }
}

/// The kind that a configuration is of. Names of earlier releases end differently.
fn kind(values: &mut Values, model: impl FnOnce() -> Option<String>) -> Result<&'static Kind> {
    let named = [
        values.text("image_processor_type")?,
        values.text("feature_extractor_type")?,
    ];
    if let Some(name) = named.into_iter().flatten().next() {
        let plain = name.replace("FeatureExtractor", "ImageProcessor");
        let plain = plain.trim_end_matches("Fast").trim_end_matches("Pil");
        return KINDS.iter().find(|kind| kind.name == plain).with_context(|| {
            let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            format!(
                "image_processor_type {} is not known; known: {}; --set preprocessor=model takes the model's own",
                name.escape_debug(),
                known.join(", ")
            )
        });
    }
    let model = model();
    let found = model.as_deref().and_then(|model| {
        let mut kinds = KINDS.iter();
        kinds.find(|kind| kind.models.contains(&model))
    });
    found.context(
        "has no image_processor_type, and no config.json beside it names a model_type whose processor is known; \
         --set preprocessor=model takes the model's own",
    )
}

/// What pixels are multiplied by; then mean and deviation.
fn normalization(values: &mut Values, kind: &Kind) -> Result<(f64, [[f64; 3]; 2])> {
    let factor = values.number("rescale_factor")?.unwrap_or(1.0 / 255.0);
    let factor = match values.flag("do_rescale", true)? {
        true => factor,
        false => 1.0,
    };
    let mean = values.channels("image_mean", kind.mean)?;
    let std = values.channels("image_std", kind.std)?;
    ensure!(
        factor > 0.0 && std.iter().all(|std| *std > 0.0),
        "rescale_factor and image_std must be above 0"
    );
    Ok(match values.flag("do_normalize", true)? {
        true => (factor, [mean, std]),
        false => (factor, [[0.0; 3], [1.0; 3]]),
    })
}

/// The size that photographs are resized to, and the part that is cut out of them.
fn size(values: &mut Values, kind: &Kind) -> Result<(Rule, Option<Crop>)> {
    let rule = rule(values, kind)?;
    let rule = match values.flag("do_resize", true)? {
        true => rule,
        false => Rule::Keep,
    };
    let cuts = values.flag("do_center_crop", matches!(kind.crop, Crops::Always(_)))?;
    let given = values.sides("crop_size")?;
    let share = values.number("crop_pct")?.unwrap_or(SHARE);
    let cut = |size| {
        Some(Crop {
            size,
            to_even: false,
        })
    };
    if !cuts {
        return Ok(match (&kind.crop, rule) {
            (Crops::ByShare, Rule::Shortest(side)) if side < UNCUT => {
                ensure!(
                    share > 0.0 && share <= 1.0,
                    "crop_pct must be above 0, at most 1"
                );
                let larger = (side as f64 / share) as usize;
                (Rule::Shortest(larger), cut([side; 2]))
            }
            (Crops::ByShare, Rule::Shortest(side)) => (Rule::Exact([side; 2]), None),
            (Crops::ByShare, Rule::Exact(_) | Rule::Edges { .. } | Rule::Within(_)) => {
                bail!("size needs a shortest_edge alone")
            }
            _ => (rule, None),
        });
    }
    let size = match kind.crop {
        Crops::Always(side) => given.unwrap_or([side; 2]),
        Crops::IfAsked => given.context("do_center_crop needs a crop_size")?,
        Crops::Never | Crops::ByShare => bail!("{} knows no do_center_crop", kind.name),
    };
    let enough = match rule {
        Rule::Exact([height, width]) => size[0] <= height && size[1] <= width,
        Rule::Shortest(side) => size[0].max(size[1]) <= side,
        _ => true,
    };
    ensure!(enough, "crop_size is larger than size");
    Ok((rule, cut(size)))
}

fn rule(values: &mut Values, kind: &Kind) -> Result<Rule> {
    let longest = values.whole("max_size")?;
    let square = values.flag("default_to_square", matches!(kind.size, Rule::Exact(_)))?;
    let given = values.size("size")?;
    let Rule::Edges {
        shortest,
        longest: usual,
    } = kind.size
    else {
        ensure!(longest.is_none(), "{} knows no max_size", kind.name);
        return Ok(match given {
            None => kind.size,
            Some(Size::Number(side)) if square => Rule::Exact([side; 2]),
            Some(Size::Number(side)) => Rule::Shortest(side),
            Some(Size::Rule(rule)) => rule,
        });
    };
    let longest = longest.unwrap_or(usual);
    match given {
        None => Ok(Rule::Edges { shortest, longest }),
        Some(Size::Number(shortest)) => Ok(Rule::Edges { shortest, longest }),
        Some(Size::Rule(Rule::Shortest(_))) => bail!("size needs a longest_edge too"),
        Some(Size::Rule(rule)) => Ok(rule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, model: Option<&str>) -> Result<Processor> {
        Processor::of(serde_json::from_str(text).unwrap(), || {
            model.map(str::to_owned)
        })
    }

    #[test]
    fn published_configurations_of_both_ages_are_read() {
        // As google/vit-base-patch16-224 was first published: no type, one number.
        let vit = r#"{"do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5], "size": 224}"#;
        let vit = of(vit, Some("vit")).unwrap();
        assert_eq!(vit.name, "ViTImageProcessor");
        assert_eq!(vit.recipe.rule, Rule::Exact([224; 2]));
        // As facebook/detr-resnet-50.
        let detr = r#"{"do_normalize": true, "do_resize": true, "feature_extractor_type": "DetrFeatureExtractor",
            "format": "coco_detection", "max_size": 1333, "size": 800}"#;
        let edges = Rule::Edges {
            shortest: 800,
            longest: 1333,
        };
        let detr = of(detr, None).unwrap();
        assert_eq!((detr.recipe.rule, detr.recipe.pads), (edges, true));
        // As microsoft/resnet-50.
        let resnet = r#"{"crop_pct": 0.875, "do_resize": true, "size": 224, "resample": 3,
            "feature_extractor_type": "ConvNextFeatureExtractor"}"#;
        let resnet = of(resnet, None).unwrap().recipe;
        assert_eq!(resnet.rule, Rule::Shortest(256));
        assert_eq!(resnet.crop.map(|crop| crop.size), Some([224; 2]));
        // As facebook/maskformer-swin-base-coco, and a processor of the newest kind.
        let masks = r#"{"feature_extractor_type": "MaskFormerFeatureExtractor", "ignore_index": 255, "max_size": 1333,
            "reduce_labels": false, "size": 800, "size_divisibility": 32}"#;
        let masks = of(masks, None).unwrap().recipe;
        assert_eq!((masks.rule, masks.divisor), (edges, 32));
        let newest = r#"{"image_processor_type": "DeiTImageProcessorFast", "do_normalize": false,
            "do_pad": null, "size": {"height": 256, "width": 256, "longest_edge": null}}"#;
        let newest = of(newest, None).unwrap().recipe;
        assert_eq!(newest.crop.map(|crop| crop.size), Some([224; 2]));
        assert_eq!((newest.mean, newest.std), ([0.0; 3], [1.0; 3]));
    }

    #[test]
    fn flags_turn_steps_off() {
        let vit = r#"{"image_processor_type": "ViTImageProcessor", "do_resize": false, "do_rescale": false}"#;
        let recipe = of(vit, None).unwrap().recipe;
        assert_eq!((recipe.rule, recipe.factor), (Rule::Keep, 1.0));
        let detr = r#"{"image_processor_type": "DetrImageProcessor", "do_pad": false}"#;
        assert!(!of(detr, None).unwrap().recipe.pads);
        let padded = r#"{"image_processor_type": "DetrImageProcessor", "pad_size": {"height": 9, "width": 8}}"#;
        assert_eq!(of(padded, None).unwrap().padded, Some([9, 8]));
    }

    #[test]
    fn what_is_not_done_is_refused() {
        let refused = |kind: &str, rest: &str| {
            let text = format!(r#"{{"image_processor_type": "{kind}ImageProcessor"{rest}}}"#);
            of(&text, None).unwrap_err().to_string()
        };
        assert!(refused("Clip", "").starts_with(
            "image_processor_type ClipImageProcessor is not known; known: ViTImageProcessor, Detr"
        ));
        for (kind, rest, expected) in [
            (
                "ViT",
                r#", "resample": 1"#,
                "resample 1 is not known; known: 2 (bilinear)",
            ),
            (
                "ViT",
                r#", "do_thumbnail": true"#,
                "`do_thumbnail` is not known",
            ),
            (
                "ViT",
                r#", "auto_map": {"x": 1}"#,
                "`auto_map` is not known",
            ),
            ("ViT", r#", "image_std": [0, 1, 1]"#, "must be above 0"),
            (
                "ViT",
                r#", "image_mean": [1]"#,
                "`image_mean` must be three numbers or one",
            ),
            ("ViT", r#", "rescale_factor": -1"#, "must be above 0"),
            (
                "ViT",
                r#", "do_resize": 3"#,
                "`do_resize` must be true or false",
            ),
            ("ViT", r#", "size": -1"#, "`size` must be"),
            ("ViT", r#", "size": {"area": 4}"#, "`size` must be"),
            ("ViT", r#", "size": 1000000000"#, "`size` must be"),
            ("ViT", r#", "do_center_crop": true"#, "needs a crop_size"),
            ("ViT", r#", "max_size": 4"#, "knows no max_size"),
            ("Detr", r#", "size_divisor": 4"#, "knows no size_divisor"),
            ("DeiT", r#", "size": 200"#, "crop_size is larger than size"),
            (
                "Detr",
                r#", "size": {"shortest_edge": 8}"#,
                "size needs a longest_edge too",
            ),
            (
                "Detr",
                r#", "do_center_crop": true"#,
                "knows no do_center_crop",
            ),
            (
                "ConvNext",
                r#", "size": {"height": 8, "width": 8}"#,
                "size needs a shortest_edge",
            ),
            (
                "ConvNext",
                r#", "size": 8, "crop_pct": 0"#,
                "crop_pct must be",
            ),
        ] {
            let message = refused(kind, rest);
            assert!(message.contains(expected), "{rest}: {message}");
            assert_eq!(message.lines().count(), 1);
        }
        let message = of("{}", Some("wav2vec2")).unwrap_err().to_string();
        assert!(
            message.starts_with("has no image_processor_type"),
            "{message}"
        );
    }
}
