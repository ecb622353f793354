//! One entry: a call as plain data, and where it was met.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::op::{Attrs, OpGroup, OpInstance};
use crate::plugin::Domain;
use crate::shape::TensorSpec;

/// Strides of each input in elements, outermost dimension first; null for a dense input.
pub type Layout = Vec<Option<Vec<i64>>>;

/// The vocabulary of the graph's own operators, which can be read back and run alone.
pub(crate) const IR: &str = "ir";

/// An operator call as plain data. What makes two entries one is that all of it is equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Which names it uses: `ir`, `aten`, `onnx`, ...
    pub vocabulary: String,
    /// Name, attributes, input specs. All sizes are known.
    #[serde(flatten)]
    pub instance: OpInstance,
    /// How the inputs lie in memory, where a flow tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// The operators that a fused step holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fused: Vec<String>,
    /// The operator's own group, whatever composite it was met in.
    pub group: OpGroup,
}

impl Call {
    /// A call of one of the graph's operators, whose inputs lie as they may.
    pub fn ir(instance: OpInstance, group: OpGroup) -> Self {
        Call {
            vocabulary: IR.to_owned(),
            instance,
            layout: None,
            fused: Vec::new(),
            group,
        }
    }

    /// Whether it is one of the graph's own operators, which [`OpInstance::op`] reads back.
    pub fn is_ir(&self) -> bool {
        self.vocabulary == IR
    }

    /// Which implementation it is of what its group computes: the operator's name, with its vocabulary
    /// where that is a framework's own (`rms_norm`, `onnx:SimplifiedLayerNormalization`).
    pub fn variant(&self) -> String {
        if self.is_ir() {
            self.instance.op.clone()
        } else {
            format!("{}:{}", self.vocabulary, self.instance.op)
        }
    }

    /// Whether it is a GEMM, or a fused step that holds one.
    pub fn is_gemm(&self) -> bool {
        matches!(self.group, OpGroup::Gemm | OpGroup::Mixed)
    }

    /// Elements of all inputs.
    pub fn elements(&self) -> u64 {
        let inputs = self.instance.inputs.iter();
        inputs.fold(0, |sum, spec| sum.saturating_add(spec.elements()))
    }

    /// Bytes of all inputs.
    pub fn bytes(&self) -> u64 {
        let inputs = self.instance.inputs.iter();
        inputs.fold(0, |sum, spec| sum.saturating_add(spec.bytes()))
    }

    /// Text that is equal for equal calls alone, and sorts them by group, operator and shape.
    pub(super) fn key(&self) -> String {
        let call = &self.instance;
        let key = (
            self.group.name(),
            &self.vocabulary,
            &call.op,
            &call.inputs,
            sorted(&call.attrs),
            &self.layout,
            &self.fused,
        );
        serde_json::to_string(&key).unwrap_or_default()
    }
}

/// Attributes in the order of their names, also inside attributes.
pub(super) fn sorted(attrs: &Attrs) -> Attrs {
    let mut value = serde_json::Value::Object(attrs.clone());
    value.sort_all_objects();
    match value {
        serde_json::Value::Object(attrs) => attrs,
        _ => Attrs::new(),
    }
}

/// Where a call was met, and how often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Occurrence {
    /// Model id, or the name of the file that the call was imported from.
    pub model: String,
    /// What the model is for.
    pub domain: Domain,
    /// Batch size.
    pub batch: Option<usize>,
    /// Sequence length.
    pub seq: Option<usize>,
    /// Side of the image in pixels.
    pub image: Option<usize>,
    /// Module path; `*` stands for the index of a layer in a list (`h.*.mlp.act`).
    pub scope: String,
    /// The composite that the call is a part of.
    pub parent: Option<String>,
    /// Calls in one inference.
    pub count: u64,
}

/// A call with everywhere that it was met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// Where it was met, sorted.
    pub met: BTreeSet<Occurrence>,
}

impl Entry {
    /// Every input's spec.
    pub fn inputs(&self) -> &[TensorSpec] {
        &self.call.instance.inputs
    }

    /// Composites that it was met in, sorted.
    pub fn parents(&self) -> BTreeSet<&str> {
        let parents = self.met.iter().filter_map(|met| met.parent.as_deref());
        parents.collect()
    }

    /// Models that it was met in, sorted.
    pub fn models(&self) -> BTreeSet<&str> {
        self.met.iter().map(|met| met.model.as_str()).collect()
    }
}
