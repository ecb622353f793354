//! Calls from graphs and from run records.

use std::collections::BTreeMap;

use super::check::{Refused, check, sizes};
use super::entry::{Call, Occurrence};
use super::set::OperatorRegistry;
use crate::graph::{CompositePolicy, Graph, LowerError, lower};
use crate::op::{Op, OpGroup, OpInstance, OpRegistry};
use crate::plugin::Domain;
use crate::record::{CompositeRow, Profile, RunRecord};
use crate::shape::TensorSpec;

/// What a graph was built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// Model id.
    pub model: String,
    /// What the model is for.
    pub domain: Domain,
    /// Batch size.
    pub batch: usize,
    /// Sequence length.
    pub seq: Option<usize>,
    /// Side of the image in pixels.
    pub image: Option<usize>,
}

/// What was extracted, and what was not.
#[derive(Debug, Default)]
pub struct Extraction {
    /// The calls.
    pub registry: OperatorRegistry,
    /// Calls with sizes that only a run knows.
    pub symbolic: usize,
    /// Other calls that cannot be entries, each with its reason.
    pub refused: Vec<Refused>,
}

/// Calls of one occasion, counted by module path and composite.
struct Collector<'a> {
    occasion: &'a Occasion,
    counts: BTreeMap<(String, String, Option<String>), (Call, u64)>,
    found: Extraction,
}

impl<'a> Collector<'a> {
    fn new(occasion: &'a Occasion) -> Self {
        Collector {
            occasion,
            counts: BTreeMap::new(),
            found: Extraction::default(),
        }
    }

    fn add(&mut self, call: Call, scope: &str, parent: Option<&str>, checked: Result<(), Refused>) {
        match checked {
            Ok(()) => {}
            Err(Refused::Symbolic { .. }) => {
                self.found.symbolic += 1;
                return;
            }
            Err(refused) => {
                self.found.refused.push(refused);
                return;
            }
        }
        let place = (call.key(), pattern(scope), parent.map(str::to_owned));
        self.counts.entry(place).or_insert((call, 0)).1 += 1;
    }

    fn finish(mut self) -> Extraction {
        let occasion = self.occasion;
        for ((_, scope, parent), (call, count)) in self.counts {
            let met = Occurrence {
                model: occasion.model.clone(),
                domain: occasion.domain,
                batch: Some(occasion.batch),
                seq: occasion.seq,
                image: occasion.image,
                scope,
                parent,
                count,
            };
            self.found.registry.add(call, [met]);
        }
        self.found
    }
}

/// A module path with `*` in place of indices, so that the layers of a list are one place.
fn pattern(scope: &str) -> String {
    let part = |part: &str| {
        let index = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if index {
            "*".to_owned()
        } else {
            part.to_owned()
        }
    };
    let parts: Vec<String> = scope.split('.').map(part).collect();
    parts.join(".")
}

/// The calls of a graph, and the composites that it holds. Composites are expanded as `policy` says, as
/// if a backend had every kernel. No weights are needed.
///
/// # Errors
/// When a decomposition fails.
pub fn from_graph(
    graph: &Graph,
    occasion: &Occasion,
    policy: CompositePolicy,
) -> Result<Extraction, LowerError> {
    let lowered = lower(graph, policy, &|_, _| true)?;
    let mut calls = Collector::new(occasion);
    let name = |parent: Option<usize>| parent.map(|index| lowered.composites()[index].op.name());
    for node in lowered.nodes() {
        let call = call_of(node.op.as_ref(), &lowered.specs(&node.inputs));
        let checked = sizes(&call);
        calls.add(call, &node.scope, name(node.parent), checked);
    }
    for whole in lowered.composites() {
        let call = call_of(whole.op.as_ref(), &whole.inputs);
        let checked = sizes(&call);
        calls.add(call, &whole.scope, name(whole.parent), checked);
    }
    Ok(calls.finish())
}

fn call_of(op: &dyn Op, inputs: &[TensorSpec]) -> Call {
    Call::ir(OpInstance::new(op, inputs), op.group())
}

/// The calls of a run, in the vocabulary of its flow, and the composites that they are parts of. Nothing
/// for a run that failed or a model that is no registered one's.
pub fn from_record(record: &RunRecord, ops: &OpRegistry) -> Extraction {
    let (Some(profile), Some(model)) = (&record.profile, &record.model) else {
        return Extraction::default();
    };
    let occasion = Occasion {
        model: record.spec.model.clone(),
        domain: model.domain,
        batch: record.spec.batch,
        seq: record.spec.seq,
        image: record.spec.image,
    };
    let mut calls = Collector::new(&occasion);
    for row in &profile.ops {
        let instance = OpInstance {
            op: row.op.clone(),
            attrs: row.attrs.clone(),
            inputs: row.inputs.clone(),
        };
        let mut call = Call::ir(instance, row.part_group.unwrap_or(row.group));
        if let Some(vocabulary) = &row.vocabulary {
            call.vocabulary.clone_from(vocabulary);
        }
        call.fused.clone_from(&row.fused);
        add_checked(&mut calls, call, &row.scope, row.parent.as_deref(), ops);
    }
    for whole in &profile.composites {
        add_composite(&mut calls, whole, profile, ops);
    }
    calls.finish()
}

fn add_checked(
    calls: &mut Collector<'_>,
    mut call: Call,
    scope: &str,
    parent: Option<&str>,
    ops: &OpRegistry,
) {
    let checked = if call.is_ir() {
        check(&call, ops).map(|(op, _)| call.group = op.group())
    } else {
        sizes(&call)
    };
    calls.add(call, scope, parent, checked);
}

fn add_composite(
    calls: &mut Collector<'_>,
    whole: &CompositeRow,
    profile: &Profile,
    ops: &OpRegistry,
) {
    let instance = OpInstance {
        op: whole.op.clone(),
        attrs: whole.attrs.clone(),
        inputs: whole.inputs.clone(),
    };
    let of = |id: &Option<String>| {
        let outer = profile
            .composites
            .iter()
            .find(|row| Some(&row.id) == id.as_ref());
        outer.map(|row| row.op.as_str())
    };
    let scope = scope_of(&whole.id, profile, DEEPEST).unwrap_or_default();
    let call = Call::ir(instance, OpGroup::Unclassified);
    add_checked(calls, call, scope, of(&whole.parent_id), ops);
}

/// How deep composites nest at most.
const DEEPEST: usize = 16;

/// The module path of a composite: that of its first part.
fn scope_of<'p>(id: &str, profile: &'p Profile, depth: usize) -> Option<&'p str> {
    let is_parent = |parent: &Option<String>| parent.as_deref() == Some(id);
    if let Some(row) = profile.ops.iter().find(|row| is_parent(&row.parent_id)) {
        return Some(&row.scope);
    }
    let mut inner = profile
        .composites
        .iter()
        .filter(|row| is_parent(&row.parent_id));
    inner.find_map(|row| scope_of(&row.id, profile, depth.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn indices_of_layers_are_one_place() {
        assert_eq!(pattern("h.0.mlp.act"), "h.*.mlp.act");
        assert_eq!(pattern("layer1.10.conv2"), "layer1.*.conv2");
        assert_eq!(pattern(""), "");
    }
}
