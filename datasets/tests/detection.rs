//! Preprocessing for detectors against the reference's: see `tools/make_golden.py` for what the file holds.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use nongemm_core::dtype::DType;
use nongemm_core::plugin::{Dataset, InputRequest, Modality, Preprocessor, RequestedInput, Sample};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;
use nongemm_datasets::{DETECTION_IMAGENET, SampleData};
use safetensors::SafeTensors;

const STRIDE: usize = 17;
const PHOTOGRAPHS: [&str; 4] = ["chelsea", "rocket", "hubble", "camera"];
/// Levels of 1/255 that a pixel may differ by: the decoders of JPEG round differently.
const LARGEST: f64 = 3.01;
const MEAN: f64 = 0.3;

fn golden() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/detr.safetensors");
    std::fs::read(path).unwrap()
}

fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let view = file.tensor(name).unwrap();
    let bytes = view.data();
    match view.dtype() {
        safetensors::Dtype::F32 => {
            let words = bytes.chunks_exact(4);
            words
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()).into())
                .collect()
        }
        _ => {
            let words = bytes.chunks_exact(8);
            words
                .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64)
                .collect()
        }
    }
}

fn prepare(names: &[&str], height: usize, width: usize) -> Vec<HostTensor> {
    let mut samples = names.iter().map(|name| {
        let file = format!("{name}.jpg");
        let mut all = SampleData.open(Modality::Image, None)?;
        let found = all.find(|sample| matches!(sample, Ok(Sample::Image(i)) if i.name == file));
        found.unwrap()
    });
    let batch = names.len();
    let input = |name: &str, spec| RequestedInput {
        name: name.to_owned(),
        spec,
        below: None,
    };
    let pixels = TensorSpec::new(DType::F32, [batch, 3, height, width]);
    let mask = TensorSpec::new(DType::I64, [batch, height, width]);
    let request = InputRequest {
        batch,
        inputs: vec![
            input("pixel_values", pixels),
            input("pixel_mask", mask),
            input("target_sizes", TensorSpec::new(DType::I64, [batch, 2])),
        ],
        ..InputRequest::default()
    };
    DETECTION_IMAGENET.prepare(&mut samples, &request).unwrap()
}

#[test]
fn pixels_are_those_of_the_reference() {
    let bytes = golden();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for name in PHOTOGRAPHS {
        let size = numbers(&file, &format!("{name}.size"));
        let (height, width) = (size[0] as usize, size[1] as usize);
        let tensors = prepare(&[name], height, width);
        let ours = tensors[0].data().to_f64();
        let mut picked = Vec::new();
        for channel in 0..3 {
            for y in (0..height).step_by(STRIDE) {
                let row = (channel * height + y) * width;
                picked.extend((0..width).step_by(STRIDE).map(|x| ours[row + x]));
            }
        }
        let theirs = numbers(&file, name);
        assert_eq!(picked.len(), theirs.len(), "{name}");
        let plane = theirs.len() / 3;
        let levels: Vec<f64> = (0..theirs.len())
            .map(|i| {
                let std = DETECTION_IMAGENET.std[i / plane];
                (picked[i] - theirs[i]).abs() * std * 255.0
            })
            .collect();
        let worst = levels.iter().copied().fold(0.0, f64::max);
        let mean = levels.iter().sum::<f64>() / levels.len() as f64;
        assert!(worst <= LARGEST && mean <= MEAN, "{name}: {worst} {mean}");
        assert!(tensors[1].data().to_f64().iter().all(|&bit| bit == 1.0));
    }
}

#[test]
fn the_mask_sets_the_photographs_of_a_batch() {
    let bytes = golden();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    // Each photograph alone in an input of the reference's size for it, then the padding.
    let masked = numbers(&file, "batch.masked");
    for (name, masked) in PHOTOGRAPHS.iter().zip(masked) {
        let size = numbers(&file, &format!("{name}.size"));
        assert_eq!(size[0] * size[1], masked, "{name}");
    }
    let tensors = prepare(&["chelsea", "hubble"], 64, 96);
    let bits = tensors[1].data().to_f64();
    let set = |i: usize| bits[i * 64 * 96..(i + 1) * 64 * 96].iter().sum::<f64>();
    // 451 x 300 becomes 96 x 64, cut to what fits; the tall one keeps its whole height.
    assert!(set(0) >= 95.0 * 63.0, "{}", set(0));
    let values = tensors[0].data().to_f64();
    let padded = (0..64 * 96).filter(|&i| bits[64 * 96 + i] == 0.0);
    assert!(padded.into_iter().all(|i| values[3 * 64 * 96 + i] == 0.0));
    assert_eq!(tensors[2].data().to_f64()[..2], [300.0, 451.0]);
}
