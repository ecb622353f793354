//! Configurations that are compared with the reference implementation.

use std::collections::BTreeMap;

use anyhow::Context;
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, GraphBuilder};
use nongemm_core::plugin::{Model, ModelConfig, Registry, Settings};
use nongemm_models as _;

/// A model in one configuration.
#[derive(Clone, Debug)]
pub struct Case {
    /// Names the golden files.
    pub name: String,
    pub model: String,
    /// Overrides; the reference takes the same.
    pub settings: BTreeMap<String, String>,
    pub batch: usize,
    pub seq: Option<usize>,
    pub image: Option<usize>,
    pub dtype: DType,
}

/// A small configuration, written out: what `preset=small` stands for in a family.
struct Small {
    /// The variants; the first one is compared with the reference.
    models: &'static [&'static str],
    settings: &'static [(&'static str, &'static str)],
    seq: Option<usize>,
    image: Option<usize>,
}

const fn text(
    models: &'static [&'static str],
    settings: &'static [(&'static str, &'static str)],
) -> Small {
    Small {
        models,
        settings,
        seq: Some(8),
        image: None,
    }
}

const fn image(
    models: &'static [&'static str],
    settings: &'static [(&'static str, &'static str)],
    side: usize,
) -> Small {
    Small {
        models,
        settings,
        seq: None,
        image: Some(side),
    }
}

const ENCODER: &[(&str, &str)] = &[
    ("layers", "2"),
    ("hidden", "32"),
    ("heads", "4"),
    ("vocab", "101"),
    ("positions", "128"),
    ("intermediate", "64"),
];

/// One for each family.
const FAMILIES: &[Small] = &[
    text(
        &["gpt2", "gpt2-large", "gpt2-xl"],
        &[
            ("layers", "2"),
            ("hidden", "32"),
            ("heads", "4"),
            ("vocab", "101"),
            ("positions", "128"),
        ],
    ),
    text(&["bert"], ENCODER),
    text(&["all-minilm-l6-v2"], ENCODER),
    image(
        &["vit-b16", "vit-l16", "vit-h14"],
        &[
            ("layers", "2"),
            ("hidden", "32"),
            ("heads", "4"),
            ("intermediate", "64"),
            ("patch", "8"),
            ("labels", "10"),
        ],
        32,
    ),
    image(
        &["resnet50"],
        &[("layers", "2,1,1,1"), ("labels", "10")],
        32,
    ),
    image(
        &["mobilenet-v2"],
        &[("layers", "1,2,1,1,1,1,1"), ("labels", "10")],
        64,
    ),
    image(
        &["swin-t", "swin-s", "swin-b"],
        &[
            ("layers", "2,2,1,1"),
            ("hidden", "16"),
            ("heads", "1,2,4,4"),
            ("window", "2"),
            ("labels", "10"),
        ],
        64,
    ),
    image(
        &["segformer-b0"],
        &[
            ("layers", "2,1,1,1"),
            ("hidden", "8,16,24,32"),
            ("heads", "1,2,3,4"),
            ("decoder", "16"),
            ("labels", "10"),
        ],
        64,
    ),
    image(
        &["maskformer"],
        &[
            ("layers", "1,2,1,1"),
            ("hidden", "16"),
            ("heads", "1,2,4,4"),
            ("window", "2"),
            ("decoder", "32"),
            ("decoder_layers", "2"),
            ("decoder_heads", "4"),
            ("intermediate", "64"),
            ("queries", "5"),
            ("labels", "10"),
        ],
        64,
    ),
    text(
        &["llama2-7b"],
        &[
            ("layers", "2"),
            ("hidden", "32"),
            ("heads", "4"),
            ("kv_heads", "4"),
            ("intermediate", "64"),
            ("vocab", "101"),
            ("positions", "128"),
        ],
    ),
    text(
        &["llama3-8b"],
        &[
            ("layers", "2"),
            ("hidden", "32"),
            ("heads", "4"),
            ("kv_heads", "2"),
            ("intermediate", "64"),
            ("vocab", "101"),
            ("positions", "128"),
        ],
    ),
    text(
        &["qwen2.5-0.5b"],
        &[
            ("layers", "2"),
            ("hidden", "32"),
            ("heads", "4"),
            ("kv_heads", "2"),
            ("intermediate", "64"),
            ("vocab", "101"),
            ("positions", "128"),
        ],
    ),
    text(
        &["mixtral-8x7b"],
        &[
            ("layers", "2"),
            ("hidden", "32"),
            ("heads", "4"),
            ("kv_heads", "2"),
            ("intermediate", "64"),
            ("vocab", "101"),
            ("positions", "128"),
            ("experts", "4"),
        ],
    ),
    image(&["faster-rcnn"], DETECTOR, 90),
    image(&["mask-rcnn"], DETECTOR, 90),
    image(
        &["detr"],
        &[
            ("layers", "1,1,1,1"),
            ("labels", "5"),
            ("hidden", "32"),
            ("heads", "4"),
            ("intermediate", "64"),
            ("encoder_layers", "1"),
            ("decoder_layers", "2"),
            ("queries", "7"),
        ],
        96,
    ),
];

/// Resized to a size that is padded.
const DETECTOR: &[(&str, &str)] = &[
    ("layers", "1,1,1,1"),
    ("labels", "5"),
    ("channels", "8"),
    ("hidden", "16"),
    ("min_size", "60"),
    ("max_size", "96"),
    ("proposals", "20"),
    ("detections", "8"),
];

impl Case {
    fn new(name: &str, model: &str, settings: &[(&str, &str)]) -> Self {
        Case {
            name: name.to_owned(),
            model: model.to_owned(),
            settings: BTreeMap::new(),
            batch: 2,
            seq: None,
            image: None,
            dtype: DType::F32,
        }
        .with(settings)
    }

    /// With more overrides.
    pub fn with(mut self, settings: &[(&str, &str)]) -> Self {
        let pairs = settings.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        self.settings.extend(pairs);
        self
    }

    /// The small configurations, one for each family.
    pub fn small() -> Vec<Case> {
        FAMILIES
            .iter()
            .map(|family| family.case(family.models[0]))
            .collect()
    }

    /// The small configuration of the family that a model belongs to.
    pub fn small_of(model: &str) -> anyhow::Result<Case> {
        let mut families = FAMILIES.iter();
        let family = families.find(|family| family.models.contains(&model));
        let family = family.with_context(|| {
            format!("{model} is in no family of models/tests/support/case.rs; add it there")
        })?;
        Ok(family.case(model))
    }

    /// The configurations whose outputs are compared: the small ones, and some with padding.
    pub fn compared() -> anyhow::Result<Vec<Case>> {
        let mut cases = Case::small();
        for model in ["gpt2", "bert", "llama2-7b", "qwen2.5-0.5b", "mixtral-8x7b"] {
            cases.push(Case::variant("padded", model, &[("padding", "masked")])?);
        }
        for model in ["swin-t", "segformer-b0", "maskformer"] {
            let case = Case::variant("odd", model, &[])?;
            cases.push(Case {
                image: Some(70),
                ..case
            });
        }
        let semantic = [("postprocess", "semantic")];
        cases.push(Case::variant("semantic", "maskformer", &semantic)?);
        Ok(cases)
    }

    /// The small configurations in batches of three, at sizes that are nobody's default.
    pub fn resized() -> anyhow::Result<Vec<Case>> {
        let mut cases = Vec::new();
        for case in Case::small() {
            let side = match case.model.as_str() {
                "vit-b16" => 40,
                "resnet50" | "mobilenet-v2" => 45,
                _ => 75,
            };
            let mut case = Case::variant("resized", &case.model, &[])?;
            (case.batch, case.seq) = (3, case.seq.and(Some(13)));
            // Detectors read photographs that are not square.
            if case.model.ends_with("-rcnn") {
                case = case.with(&[("height", "70"), ("width", "110")]);
            } else {
                case.image = case.image.and(Some(side));
            }
            cases.push(case);
        }
        Ok(cases)
    }

    /// The configurations whose operators are compared: these, and those for which the reference calls
    /// other operators.
    pub fn traced() -> anyhow::Result<Vec<Case>> {
        let one = ("layers", "1");
        let bert = [one, ("heads", "1"), ("positions", "8")];
        let mut cases = Case::compared()?;
        cases.push(Case {
            batch: 1,
            ..Case::variant("one-row", "gpt2", &[one])?
        });
        cases.push(Case {
            seq: Some(1),
            ..Case::variant("one-token", "gpt2", &[one])?
        });
        cases.push(Case::variant("all-positions-one-head", "bert", &bert)?);
        cases.push(Case {
            batch: 1,
            ..Case::variant("one-row", "llama3-8b", &[one])?
        });
        // So many candidates that they are suppressed level by level.
        let levels = [
            ("proposals", "500"),
            ("height", "250"),
            ("width", "370"),
            ("min_size", "256"),
            ("max_size", "370"),
            ("labels", "3"),
        ];
        cases.push(Case::variant("levels", "faster-rcnn", &levels)?);
        Ok(cases)
    }

    /// A small configuration with more overrides.
    fn variant(name: &str, model: &str, settings: &[(&str, &str)]) -> anyhow::Result<Case> {
        let mut case = Case::small_of(model)?.with(settings);
        case.name = format!("{model}-{name}");
        Ok(case)
    }

    /// A model as published, with its default sizes.
    pub fn full(id: &str) -> anyhow::Result<Case> {
        let sizes = model(id)?.sizes();
        Ok(Case {
            batch: 1,
            seq: sizes.seq,
            image: sizes.image,
            ..Case::new(id, id, &[])
        })
    }

    /// The registered model.
    pub fn model(&self) -> anyhow::Result<&'static dyn Model> {
        model(&self.model)
    }

    /// The graph, all settings known.
    pub fn graph(&self) -> anyhow::Result<Graph> {
        let config = ModelConfig {
            batch: self.batch,
            seq: self.seq,
            image: self.image,
            dtype: self.dtype,
            settings: Settings::new(self.settings.clone()),
        };
        let mut builder = GraphBuilder::new(self.dtype);
        model(&self.model)?
            .build(&mut builder, &config)
            .with_context(|| format!("model {}", self.model))?;
        config.settings.finish()?;
        Ok(builder.finish())
    }
}

impl Small {
    fn case(&self, model: &str) -> Case {
        Case {
            seq: self.seq,
            image: self.image,
            ..Case::new(model, model, self.settings)
        }
    }
}

/// A registered model.
pub fn model(id: &str) -> anyhow::Result<&'static dyn Model> {
    Ok(Registry::<dyn Model>::collect()?.get(id)?)
}

/// The ids of all registered models, sorted.
pub fn models() -> anyhow::Result<Vec<&'static str>> {
    Ok(Registry::<dyn Model>::collect()?.ids().collect())
}
