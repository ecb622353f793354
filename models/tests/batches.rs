//! A batch computes what its rows compute alone, at sizes that are nobody's default.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use nongemm_candle as _;
use nongemm_core::dtype::DType;
use nongemm_core::plugin::Device;
use nongemm_core::tensor::{HostData, HostTensor};
use support::case::Case;
use support::flow::{self, Tensors};

const BATCH: usize = 3;
const TOLERANCE: f64 = 1e-5;

/// The part of a tensor that belongs to one row of a batch.
fn row(tensor: &HostTensor, row: usize) -> HostTensor {
    let (shape, bytes) = (tensor.shape(), tensor.data().as_bytes());
    assert_eq!(shape[0], BATCH);
    let size = bytes.len() / BATCH;
    let data = HostData::from_bytes(tensor.dtype(), &bytes[row * size..(row + 1) * size]);
    HostTensor::new([&[1], &shape[1..]].concat(), data).unwrap()
}

fn run(case: &Case, inputs: &Tensors) -> Tensors {
    let graph = case.graph().unwrap();
    let weights = flow::weights("synthetic:0").unwrap();
    let options = flow::options(Device::Cpu, DType::F32, &[]).unwrap();
    flow::run("candle", &options, &graph, weights.as_ref(), inputs).unwrap()
}

/// What a batch computed for one row. Detectors have outputs of each image's own, `boxes.1`.
fn part(outputs: &Tensors, index: usize) -> Tensors {
    let own = |(name, tensor): &(String, HostTensor)| match name.rsplit_once('.') {
        None => Some((name.clone(), row(tensor, index))),
        Some((kind, image)) if image.parse() == Ok(index) => {
            Some((format!("{kind}.0"), tensor.clone()))
        }
        Some(_) => None,
    };
    outputs.iter().filter_map(own).collect()
}

fn check(case: &Case) {
    let graph = case.graph().unwrap();
    let inputs = flow::inputs_of(case.model().unwrap(), &graph, BATCH).unwrap();
    let together = run(case, &inputs);
    let single = Case {
        batch: 1,
        ..case.clone()
    };
    for index in 0..BATCH {
        let own = |(name, tensor): &(String, HostTensor)| (name.clone(), row(tensor, index));
        let alone = run(&single, &inputs.iter().map(own).collect());
        let worst = flow::compare(&part(&together, index), &alone).unwrap();
        assert!(
            worst.relative <= TOLERANCE,
            "{} row {index}: {worst:?}",
            case.name
        );
    }
}

#[test]
fn rows_of_a_batch_are_independent() {
    for case in Case::resized().unwrap() {
        check(&case);
    }
}
