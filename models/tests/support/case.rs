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

const TEXT: [(&str, &str); 5] = [
    ("layers", "2"),
    ("hidden", "32"),
    ("heads", "4"),
    ("vocab", "101"),
    ("positions", "128"),
];
const INTERMEDIATE: (&str, &str) = ("intermediate", "64");
const VIT: [(&str, &str); 6] = [
    ("layers", "2"),
    ("hidden", "32"),
    ("heads", "4"),
    INTERMEDIATE,
    ("patch", "8"),
    ("labels", "10"),
];
const RESNET: [(&str, &str); 2] = [("layers", "2,1,1,1"), ("labels", "10")];
const MOBILENET: [(&str, &str); 2] = [("layers", "1,2,1,1,1,1,1"), ("labels", "10")];
/// Resized to a size that is padded.
const DETECTOR: [(&str, &str); 8] = [
    ("layers", "1,1,1,1"),
    ("labels", "5"),
    ("channels", "8"),
    ("hidden", "16"),
    ("min_size", "60"),
    ("max_size", "96"),
    ("proposals", "20"),
    ("detections", "8"),
];
const SEQ: usize = 8;

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

    fn text(name: &str, model: &str, settings: &[(&str, &str)]) -> Self {
        let seq = Some(SEQ);
        Case {
            seq,
            ..Case::new(name, model, &TEXT)
        }
        .with(settings)
    }

    fn image(name: &str, settings: &[(&str, &str)], side: usize) -> Self {
        let image = Some(side);
        Case {
            image,
            ..Case::new(name, name, settings)
        }
    }

    /// With more overrides.
    pub fn with(mut self, settings: &[(&str, &str)]) -> Self {
        let pairs = settings.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        self.settings.extend(pairs);
        self
    }

    /// The small configurations, written out, one for each family: what `preset=small` stands for.
    pub fn small() -> Vec<Case> {
        vec![
            Case::text("gpt2", "gpt2", &[]),
            Case::text("bert", "bert", &[INTERMEDIATE]),
            Case::image("vit-b16", &VIT, 32),
            Case::image("resnet50", &RESNET, 32),
            Case::image("mobilenet-v2", &MOBILENET, 64),
            Case::image("faster-rcnn", &DETECTOR, 90),
            Case::image("mask-rcnn", &DETECTOR, 90),
        ]
    }

    /// The configurations whose operators are compared: the small ones, and those for which the
    /// reference calls other operators.
    pub fn traced() -> Vec<Case> {
        let one = ("layers", "1");
        let mut cases = Case::small();
        cases.push(Case {
            batch: 1,
            ..Case::text("gpt2-one-row", "gpt2", &[one])
        });
        cases.push(Case {
            seq: Some(1),
            ..Case::text("gpt2-one-token", "gpt2", &[one])
        });
        let bert = [one, INTERMEDIATE, ("heads", "1"), ("positions", "8")];
        cases.push(Case::text("bert-all-positions-one-head", "bert", &bert));
        // So many candidates that they are suppressed level by level.
        let many = [("proposals", "500"), ("height", "250"), ("width", "370")];
        let larger = [("min_size", "256"), ("max_size", "370")];
        let levels = Case {
            name: "faster-rcnn-levels".to_owned(),
            ..Case::image("faster-rcnn", &DETECTOR, 256)
        };
        cases.push(levels.with(&many).with(&larger).with(&[("labels", "3")]));
        cases
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

/// A registered model.
pub fn model(id: &str) -> anyhow::Result<&'static dyn Model> {
    Ok(Registry::<dyn Model>::collect()?.get(id)?)
}

/// The ids of all registered models, sorted.
pub fn models() -> anyhow::Result<Vec<&'static str>> {
    Ok(Registry::<dyn Model>::collect()?.ids().collect())
}
