//! Classification: from the name of something that ran to the group it is counted in.

use std::collections::BTreeMap;

use super::registry::{Registry, RegistryError, plugin_kind};
use crate::op::{Attrs, Op, OpGroup};

/// Something that ran, as a flow names it.
#[derive(Clone, Copy, Debug)]
pub struct OpEvent<'a> {
    /// Which names the flow uses: `ir`, `aten`, `onnx`, `inductor`, ...
    pub vocabulary: &'a str,
    /// The name in that vocabulary.
    pub name: &'a str,
    /// Attributes, where the flow knows them.
    pub attrs: &'a Attrs,
    /// The operators that a fused step holds, in the same vocabulary; empty if it is not fused.
    pub fused: &'a [String],
    /// The operator itself, where the flow runs the graph.
    pub op: Option<&'a dyn Op>,
    /// The group of the graph's node, composites taken into account, where the flow runs the graph.
    pub counted: Option<OpGroup>,
}

/// Classifies the events of one or more vocabularies.
pub trait OperatorClassifier: Send + Sync {
    /// Its id; classifiers are asked in the order of their ids.
    fn id(&self) -> &'static str;

    /// The group of an event, or `None` if this classifier does not know it.
    fn classify(&self, event: &OpEvent<'_>) -> Option<OpGroup>;
}

plugin_kind!(OperatorClassifier, "classifier");

/// The user's overrides, then every registered classifier, then `unclassified`.
pub struct Classification {
    overrides: BTreeMap<String, OpGroup>,
    registry: Registry<dyn OperatorClassifier>,
}

impl Classification {
    /// With overrides by operator name.
    ///
    /// # Errors
    /// When two classifiers have the same id.
    pub fn new(overrides: BTreeMap<String, OpGroup>) -> Result<Self, RegistryError> {
        Ok(Classification {
            overrides,
            registry: Registry::collect()?,
        })
    }

    /// The group of an event.
    pub fn group(&self, event: &OpEvent<'_>) -> OpGroup {
        self.overrides
            .get(event.name)
            .copied()
            .or_else(|| {
                self.registry
                    .iter()
                    .find_map(|entry| entry.act(|classifier| classifier.classify(event)))
            })
            .unwrap_or(OpGroup::Unclassified)
    }
}
