//! The rows of a run: each kernel call with its node's attributes, its place in the model and what it
//! fuses.

use std::collections::BTreeMap;

use nongemm_core::measure::Recorder;
use nongemm_core::op::Attrs;
use nongemm_core::plugin::Step;
use nongemm_core::shape::TensorSpec;
use serde_json::json;

use super::align::{align, subgraph};
use super::attributes::read_attributes;
use super::fusion::{origins, served};
use super::operands::{Initializers, Operand};
use super::timeline;
use super::trace::{Call, Trace, specs};
use super::values::{domain, same_op};
use crate::proto::{GraphProto, ModelProto, NodeProto};

/// The names that ONNX Runtime's operators go by.
pub(crate) const VOCABULARY: &str = "onnx";

/// A model before and after ONNX Runtime rewrote it.
pub(crate) struct Models {
    /// As it was loaded.
    pub(crate) original: ModelProto,
    /// As it runs.
    pub(crate) optimized: ModelProto,
}

/// Where nodes of an exported model came from: the steps of the graph, and which of them a node is of.
pub(crate) trait Origin {
    /// The step of the graph that a node was emitted for.
    fn step(&self, node: &str) -> Option<&Step>;
}

/// Models from elsewhere come from no graph.
impl Origin for () {
    fn step(&self, _: &str) -> Option<&Step> {
        None
    }
}

/// What a session learned from its first run under the profiler.
pub(crate) struct Learned {
    /// A step for each call, in the order of their starts.
    pub(crate) steps: Vec<Step>,
    /// Name and operator of each call.
    expected: Vec<(String, String)>,
}

impl Learned {
    /// The steps of a run.
    pub(crate) fn new(trace: &Trace, models: &Models, origin: &dyn Origin) -> Self {
        let mut learner = Learner::new(models, origin);
        let empty = GraphProto::default();
        let graph = models.optimized.graph.as_ref().unwrap_or(&empty);
        let original = models.original.graph.as_ref();
        learner.graph(&trace.calls, Some(graph), original, "");
        let mut expected = Vec::new();
        names(&trace.calls, &mut |call| {
            expected.push((call.name.clone(), call.op.clone()));
        });
        Learned {
            steps: learner.steps,
            expected,
        }
    }

    /// Records a run that made the same calls.
    ///
    /// # Errors
    /// When it made others: a time is never given to another operator.
    pub(crate) fn record(&self, trace: &Trace, recorder: &mut Recorder<'_>) -> anyhow::Result<()> {
        let mut expected = self.expected.iter();
        let mut differs = None;
        names(&trace.calls, &mut |call| {
            let same = expected
                .next()
                .is_some_and(|(name, op)| *name == call.name && *op == call.op);
            if !same && differs.is_none() {
                differs = Some(call.name.clone());
            }
        });
        if let Some(name) = differs.or_else(|| expected.next().map(|(name, _)| name.clone())) {
            anyhow::bail!("the run differs from the one before at node {name}");
        }
        timeline::record(trace, recorder);
        Ok(())
    }
}

/// Visits all calls in the order of their starts.
fn names(calls: &[Call], visit: &mut dyn FnMut(&Call)) {
    for call in calls {
        visit(call);
        for run in &call.runs {
            names(run, visit);
        }
    }
}

struct Learner<'m> {
    origin: &'m dyn Origin,
    /// Version of each operator set of the optimised model.
    versions: BTreeMap<&'m str, i64>,
    /// How many nodes of the original were emitted for each step of the graph.
    emitted: BTreeMap<String, usize>,
    /// How many rows had an id before.
    ids: BTreeMap<String, usize>,
    steps: Vec<Step>,
}

impl<'m> Learner<'m> {
    fn new(models: &'m Models, origin: &'m dyn Origin) -> Self {
        let imports = models.optimized.opset_import.iter();
        let mut emitted = BTreeMap::new();
        let nodes = models.original.graph.iter().flat_map(|graph| &graph.node);
        for step in nodes.filter_map(|node| origin.step(&node.name)) {
            *emitted.entry(step.id.clone()).or_default() += 1;
        }
        Learner {
            origin,
            versions: imports
                .map(|set| (set.domain.as_str(), set.version))
                .collect(),
            emitted,
            ids: BTreeMap::new(),
            steps: Vec::new(),
        }
    }

    /// Calls of a graph, `outer` being the scope of the node that it belongs to.
    fn graph(
        &mut self,
        calls: &[Call],
        graph: Option<&GraphProto>,
        original: Option<&GraphProto>,
        outer: &str,
    ) {
        let places = graph.map_or_else(|| vec![None; calls.len()], |graph| align(calls, graph));
        let sources = match (original, graph) {
            (Some(original), Some(graph)) => origins(original, graph),
            _ => Vec::new(),
        };
        let near = match (original, graph) {
            (Some(original), Some(graph)) => served(original, graph, &sources),
            _ => Vec::new(),
        };
        let initializers = Initializers::of(graph);
        let olds = |place: Option<usize>| -> Vec<&NodeProto> {
            let indices = place.and_then(|place| sources.get(place));
            indices
                .into_iter()
                .flatten()
                .filter_map(|index| original.and_then(|graph| graph.node.get(*index)))
                .collect()
        };
        for (call, place) in calls.iter().zip(places) {
            let node = graph.and_then(|graph| graph.node.get(place?));
            let old = olds(place);
            let mut step = self.step(call, node, &old, &initializers, outer);
            let near = olds(place.and_then(|place| *near.get(place)?));
            if step.scope == outer && !near.is_empty() {
                step.scope = self.scope(&near, outer);
            }
            let name = node.map_or(&call.name, |node| &node.name);
            let scope = join(&step.scope, name.rsplit('/').next().unwrap_or(name));
            self.steps.push(step);
            for run in &call.runs {
                let body = node.and_then(|node| subgraph(run, node));
                let old_body = old.first().and_then(|node| subgraph(run, node));
                self.graph(run, body, old_body, &scope);
            }
        }
    }

    fn step(
        &mut self,
        call: &Call,
        node: Option<&NodeProto>,
        old: &[&NodeProto],
        initializers: &Initializers<'_>,
        outer: &str,
    ) -> Step {
        let known: Vec<&Step> = old
            .iter()
            .filter_map(|node| self.origin.step(&node.name))
            .collect();
        // All of them of one step of the graph: then the call is that step, or a part of it.
        let only = known
            .first()
            .filter(|first| known.len() == old.len() && known.iter().all(|s| s.id == first.id))
            .copied();
        let whole = only.filter(|step| self.emitted.get(&step.id) == Some(&old.len()));
        let scope = match only {
            Some(step) => step.scope.clone(),
            None if !known.is_empty() => common_scope(&known),
            None => join(outer, folder(node.map_or(&call.name, |node| &node.name))),
        };
        let mut attrs = node.map(read_attributes).unwrap_or_default();
        if let Some(node) = node {
            self.calling(node, initializers, &mut attrs);
        }
        let inputs = node.map_or_else(
            || call.inputs.clone(),
            |node| initializers.inputs(call, node),
        );
        Step {
            id: self.id(only.map_or(&call.name, |step| &step.id)),
            scope,
            vocabulary: VOCABULARY,
            op: node.map_or_else(|| call.op.clone(), qualified),
            kind: whole.and_then(|step| step.kind.clone()),
            counted: only.and_then(|step| step.counted),
            parents: only.map(|step| step.parents.clone()).unwrap_or_default(),
            inputs: tensors(&inputs, "input_types", &mut attrs),
            outputs: tensors(&call.outputs, "output_types", &mut attrs),
            attrs,
            fused: fused(node, old),
            provider: Some(call.provider.clone()),
        }
    }

    /// Where nodes of the original are.
    fn scope(&self, nodes: &[&NodeProto], outer: &str) -> String {
        let steps = nodes.iter().filter_map(|node| self.origin.step(&node.name));
        let steps: Vec<&Step> = steps.collect();
        match nodes {
            _ if !steps.is_empty() => common_scope(&steps),
            [first, ..] => join(outer, folder(&first.name)),
            [] => outer.to_owned(),
        }
    }

    fn id(&mut self, base: &str) -> String {
        let base = if base.is_empty() { "call" } else { base };
        let seen = self.ids.entry(base.to_owned()).or_default();
        *seen += 1;
        match *seen {
            1 => base.to_owned(),
            n => format!("{base}.{}", n - 1),
        }
    }

    /// What a replay needs besides attributes.
    fn calling(&self, node: &NodeProto, initializers: &Initializers<'_>, attrs: &mut Attrs) {
        let mut call = serde_json::Map::new();
        if let Some(version) = self.versions.get(domain(node)) {
            call.insert("opset".to_owned(), (*version).into());
        }
        let outputs = node.output.iter().map(|name| !name.is_empty());
        if node.output.len() != 1 {
            call.insert("outputs".to_owned(), outputs.collect());
        }
        initializers.describe(node, &mut call);
        attrs.insert("onnx".to_owned(), call.into());
    }
}

/// Tensors as they were; verbatim among the attributes where a type has no counterpart.
fn tensors(list: &[Operand], key: &str, attrs: &mut Attrs) -> Vec<TensorSpec> {
    specs(list).unwrap_or_else(|| {
        let verbatim = list.iter().map(|(ty, shape)| json!({ ty: shape }));
        attrs.insert(key.to_owned(), verbatim.collect());
        Vec::new()
    })
}

/// The operators that a node stands for, unless it is the one that it was.
fn fused(node: Option<&NodeProto>, old: &[&NodeProto]) -> Vec<String> {
    let unchanged = matches!((node, old), (Some(node), [old])
        if same_op(node, old));
    if unchanged {
        return Vec::new();
    }
    old.iter().map(|node| qualified(node)).collect()
}

/// An operator's name with its set, but for ONNX's own.
fn qualified(node: &NodeProto) -> String {
    match domain(node) {
        "" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// The innermost module that all of these steps lie in.
fn common_scope(steps: &[&Step]) -> String {
    let mut common: Vec<&str> = steps
        .first()
        .map_or_else(Vec::new, |s| s.scope.split('.').collect());
    for step in steps {
        let same = common
            .iter()
            .zip(step.scope.split('.'))
            .take_while(|(a, b)| **a == *b);
        let same = same.count();
        common.truncate(same);
    }
    common.join(".")
}

/// The module in a node's name as exporters write it: `/encoder/layer.0/MatMul` lies in
/// `encoder.layer.0`.
fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(outer: &str, inner: &str) -> String {
    let inner = inner.trim_matches('/').replace('/', ".");
    match (outer.is_empty(), inner.is_empty()) {
        (true, _) => inner,
        (_, true) => outer.to_owned(),
        _ => format!("{outer}.{inner}"),
    }
}
