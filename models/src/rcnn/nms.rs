//! Non-maximum suppression within levels or classes.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;

use super::boxes::pick;
use super::sizes::Batching;
use super::transform::number;

/// What suppression chooses from: `boxes[n, 4]`, `scores[n]` and the class (or level) of each.
pub(super) struct Candidates {
    pub(super) boxes: Value,
    pub(super) scores: Value,
    pub(super) classes: Value,
}

/// The positions that are kept, by falling score. `count` is the number of classes.
///
/// torchvision decides by the number of candidates, which only the data say: more than 1000 on the CPU are
/// suppressed class by class, fewer (on a GPU, up to 25,000) at once, boxes of different classes shifted
/// apart. Both keep the same boxes, up to the rounding of the shift. A graph holds one of both.
pub(super) fn batched(
    g: &mut GraphBuilder,
    candidates: &Candidates,
    batching: Batching,
    count: usize,
    threshold: f64,
) -> Result<Value, BuildError> {
    match batching {
        Batching::Loop => class_by_class(g, candidates, count, threshold),
        Batching::Auto | Batching::Offset => shifted_apart(g, candidates, threshold),
    }
}

fn shifted_apart(
    g: &mut GraphBuilder,
    candidates: &Candidates,
    threshold: f64,
) -> Result<Value, BuildError> {
    let Candidates {
        boxes,
        scores,
        classes,
    } = *candidates;
    let dtype = g.spec(boxes).dtype;
    let largest = ops::max(g, boxes)?;
    let classes = ops::to(g, classes, dtype)?;
    let one = number(g, 1.0, DType::I64)?;
    let one = ops::to(g, one, dtype)?;
    let distance = ops::add(g, largest, one)?;
    let offsets = ops::mul(g, classes, distance)?;
    let offsets = ops::unsqueeze(g, offsets, 1)?;
    let boxes = ops::add(g, boxes, offsets)?;
    ops::nms(g, boxes, scores, threshold)
}

fn class_by_class(
    g: &mut GraphBuilder,
    candidates: &Candidates,
    count: usize,
    threshold: f64,
) -> Result<Value, BuildError> {
    let Candidates {
        boxes,
        scores,
        classes,
    } = *candidates;
    let mut keep = ops::zeros_like(g, scores, DType::Bool)?;
    let present = ops::unique(g, classes)?;
    for class in ops::unbind_counted(g, present, 0, count)? {
        let own = ops::eq(g, classes, class)?;
        let own = ops::where_true(g, own)?;
        let [own_boxes, own_scores] = pick(g, [boxes, scores], own)?;
        let kept = ops::nms(g, own_boxes, own_scores, threshold)?;
        let kept = ops::index(g, own, &[kept])?;
        let yes = truth(g)?;
        keep = ops::index_put_(g, keep, kept, yes)?;
    }
    let kept = ops::where_true(g, keep)?;
    let scores = ops::index(g, scores, &[kept])?;
    let [_, order] = ops::sort(g, scores, -1, true)?;
    ops::index(g, kept, &[order])
}

/// A Python `True` as a tensor.
fn truth(g: &mut GraphBuilder) -> Result<Value, BuildError> {
    let data = nongemm_core::tensor::HostData::Bool(vec![1]);
    let tensor = nongemm_core::tensor::HostTensor::new(Vec::new(), data);
    let tensor = tensor.map_err(|e| BuildError::config(e.to_string()))?;
    let yes = g.constant("true", tensor);
    ops::lift_fresh(g, yes)
}
