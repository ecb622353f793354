//! Synthetic weights give detectors realistic work: counted on the published configuration.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use nongemm_candle as _;
use nongemm_core::dtype::DType;
use nongemm_core::measure::{Mode, Monotonic, Recorder};
use nongemm_core::plugin::{Backend, Device, Registry};
use nongemm_core::tensor::HostTensor;
use support::case::Case;
use support::flow;

/// For each non-maximum suppression of Mask R-CNN, its scope, candidates and survivors; and the rows that
/// the mask head gets.
fn counts() -> (Vec<(String, usize, usize)>, usize) {
    let case = Case::full("mask-rcnn").unwrap();
    let graph = case.graph().unwrap();
    let weights = flow::weights("synthetic:0").unwrap();
    let options = flow::options(Device::Cpu, DType::F32, &[]).unwrap();
    let backend = Registry::<dyn Backend>::collect().unwrap();
    let backend = backend.get("candle").unwrap();
    let mut session = backend.prepare(&graph, weights.as_ref(), &options).unwrap();
    let inputs = flow::inputs_of(case.model().unwrap(), &graph, 1).unwrap();
    let inputs: Vec<HostTensor> = inputs.into_iter().map(|(_, tensor)| tensor).collect();
    session.bind(&inputs).unwrap();
    let clock = Monotonic::new();
    let mut recorder = Recorder::new(&clock, Mode::Shapes, session.steps().len());
    session.run(&mut recorder).unwrap();
    let rows = |step: usize| recorder.shapes()[step].1[0].shape.known().unwrap()[0];
    let mut suppressions = Vec::new();
    let mut masks = 0;
    for (index, step) in session.steps().iter().enumerate() {
        match step.op.as_str() {
            // What is chosen from is computed right before.
            "nms" => suppressions.push((step.scope.clone(), rows(index - 1), rows(index))),
            "conv_transpose2d" => masks = rows(index),
            _ => {}
        }
    }
    (suppressions, masks)
}

#[test]
fn thousands_of_candidates_are_suppressed_and_a_hundred_masks_are_drawn() {
    let (suppressions, masks) = counts();
    let of = |scope: &str| -> (usize, usize) {
        let own = suppressions.iter().filter(|(name, ..)| name == scope);
        own.fold((0, 0), |sum, (_, all, kept)| (sum.0 + all, sum.1 + kept))
    };
    // Five levels, of which the smallest has fewer anchors than are chosen.
    let (candidates, proposals) = of("rpn");
    assert!((4000..=5000).contains(&candidates), "{candidates}");
    assert!((1000..4000).contains(&proposals), "{proposals}");
    let (candidates, detections) = of("roi_heads");
    assert!((1000..20_000).contains(&candidates), "{candidates}");
    assert!(detections >= 100 && detections < candidates, "{detections}");
    assert_eq!(masks, 100);
}
