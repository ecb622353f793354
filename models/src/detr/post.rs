//! Answers to boxes in pixels: `post_process_object_detection` of the reference's image processor.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_operators as ops;
use nongemm_operators::CompareKind;

/// Less likely boxes are left out.
const THRESHOLD: f64 = 0.5;

/// Adds the outputs `scores.i`, `labels.i` and `boxes.i` of each image `i`. The last class of the logits
/// is that for nothing.
pub(super) fn build(
    g: &mut GraphBuilder,
    logits: Value,
    boxes: Value,
    target_sizes: Value,
) -> Result<(), BuildError> {
    let likely = ops::softmax(g, logits, -1)?;
    let likely = ops::slice(g, likely, 2, 0, Some(-1))?;
    let [scores, labels] = ops::max_along(g, likely, -1)?;
    let boxes = corners(g, boxes)?;
    let boxes = in_pixels(g, boxes, target_sizes)?;
    let scores = ops::unbind(g, scores, 0)?;
    let labels = ops::unbind(g, labels, 0)?;
    let boxes = ops::unbind(g, boxes, 0)?;
    for (image, &own) in scores.iter().enumerate() {
        for (name, x) in [
            ("scores", own),
            ("labels", labels[image]),
            ("boxes", boxes[image]),
        ] {
            let likely = ops::compare_scalar(g, CompareKind::Gt, own, THRESHOLD)?;
            let kept = ops::index(g, x, &[likely])?;
            g.output(&format!("{name}.{image}"), kept);
        }
    }
    Ok(())
}

/// Centre and size to corners.
fn corners(g: &mut GraphBuilder, boxes: Value) -> Result<Value, BuildError> {
    let parts = ops::unbind(g, boxes, -1)?;
    let &[x, y, width, height] = parts.as_slice() else {
        return Err(BuildError::config("a box has four numbers"));
    };
    let mut sides = Vec::new();
    for (middle, size, add) in [
        (x, width, false),
        (y, height, false),
        (x, width, true),
        (y, height, true),
    ] {
        let half = ops::mul_scalar(g, size, 0.5)?;
        sides.push(if add {
            ops::add(g, middle, half)?
        } else {
            ops::sub(g, middle, half)?
        });
    }
    ops::stack(g, &sides, -1)
}

fn in_pixels(g: &mut GraphBuilder, boxes: Value, target_sizes: Value) -> Result<Value, BuildError> {
    let sides = ops::unbind(g, target_sizes, 1)?;
    let &[height, width] = sides.as_slice() else {
        return Err(BuildError::config("a photograph has two sides"));
    };
    let scale = ops::stack(g, &[width, height, width, height], 1)?;
    let scale = ops::to(g, scale, DType::I64)?;
    let scale = ops::unsqueeze(g, scale, 1)?;
    ops::mul(g, boxes, scale)
}
