//! Masks of detections, which are pasted into boxes that are cut to whole pixels: where a corner lies on the edge
//! of a pixel, the rounding of other operators decides which pixel it is, in the reference as here.

use anyhow::Context;

use super::flow::Tensors;

/// How near the edge of a pixel a corner is undecided: a millionth of the largest coordinates, a few times.
const EDGE: f64 = 4e-3;
/// Larger differences of a mask's probabilities than rounding makes.
const APART: f64 = 1e-4;
/// How much larger the box of a mask is than that of its detection: a pixel of padding on each side of 28.
const GROWTH: f64 = 30.0 / 28.0;
/// The largest share of masks that may be undecided.
const MOST: f64 = 0.1;

/// Of the output `masks.N`, replaces masks that differ and have a corner on the edge of a pixel by the expected
/// ones, and says how many they are; nothing of other outputs.
///
/// # Errors
/// When there are no boxes beside the masks, or too many masks are undecided.
pub fn leave_out_undecided(
    name: &str,
    expected: &Tensors,
    found: &mut [f64],
    masks: &[f64],
) -> anyhow::Result<usize> {
    let Some(image) = name.strip_prefix("masks.") else {
        return Ok(0);
    };
    let boxes = format!("boxes.{image}");
    let boxes = expected.iter().find(|(other, _)| *other == boxes);
    let (_, boxes) = boxes.with_context(|| format!("{name} without boxes"))?;
    let boxes = boxes.data().to_f64();
    let count = boxes.len() / 4;
    let size = masks.len() / count.max(1);
    let mut undecided = 0;
    for (number, corners) in boxes.chunks_exact(4).enumerate() {
        let own = number * size..(number + 1) * size;
        let pairs = found[own.clone()].iter().zip(&masks[own.clone()]);
        let differs = pairs.into_iter().any(|(a, b)| (a - b).abs() > APART);
        if differs && on_edge(corners) {
            found[own.clone()].copy_from_slice(&masks[own]);
            undecided += 1;
        }
    }
    anyhow::ensure!(
        undecided as f64 <= MOST * count as f64,
        "{undecided} of {count} {name} differ"
    );
    Ok(undecided)
}

/// Whether a corner of a mask's box is undecided.
fn on_edge(corners: &[f64]) -> bool {
    let grown = |low: f64, high: f64| {
        let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0 * GROWTH);
        [middle - half, middle + half]
    };
    let sides = [grown(corners[0], corners[2]), grown(corners[1], corners[3])];
    let distance = |x: f64| (x - x.round()).abs();
    sides.as_flattened().iter().any(|x| distance(*x) < EDGE)
}
