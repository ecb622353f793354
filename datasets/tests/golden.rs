//! Image preprocessing against the reference's: see `tools/make_golden.py` for what the files hold.
//!
//! Differences are in levels of 1/255 before normalisation, so that they mean the same for every
//! preprocessor. Resizing, cropping and normalising agree to one level, as the grey photograph shows.
//! Colour differs by up to three levels in single pixels: JPEG stores it at half the resolution, and
//! the decoders (libjpeg-turbo there, zune-jpeg here) interpolate it with different rounding.

use std::path::Path;

use anyhow::{Context, Result};
use nongemm_core::dtype::DType;
use nongemm_core::plugin::{
    Companions, Dataset, InputRequest, Modality, Preprocessor, RequestedInput, Sample,
};
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;
use nongemm_datasets::{
    DETECTION_UNIT, IMAGENET_BICUBIC, IMAGENET_EVAL_232, ImagePreprocessor, SampleData, VIT_HALF,
};
use safetensors::SafeTensors;

const SIDE: usize = 224;
const STRIDE: usize = 5;

/// Photographs with the largest difference of a single pixel, in levels.
const PHOTOGRAPHS: [(&str, f32); 4] = [
    ("chelsea", 3.01),
    ("rocket", 3.01),
    ("hubble", 3.01),
    ("camera", 1.01),
];

/// The largest difference of a single pixel of any of them.
const CONFIGURED_LEVELS: f64 = 3.01;

/// The largest mean difference over a photograph, in levels.
const MEAN_LEVELS: f32 = 0.25;

/// The sample photograph `NAME.jpg` as the preprocessor makes it, `[1, 3, 224, 224]`.
fn prepare(preprocessor: &ImagePreprocessor, name: &str) -> Result<Vec<f32>> {
    let file = format!("{name}.jpg");
    let is_wanted =
        |sample: &Result<Sample>| matches!(sample, Ok(Sample::Image(image)) if image.name == file);
    let mut samples = SampleData.open(Modality::Image, None)?.filter(is_wanted);
    let request = InputRequest {
        batch: 1,
        inputs: vec![RequestedInput {
            name: "x".to_owned(),
            spec: TensorSpec::new(DType::F32, [1, 3, SIDE, SIDE]),
            below: None,
        }],
        ..InputRequest::default()
    };
    let tensors = preprocessor.prepare(&mut samples, &request)?;
    let values = tensors[0].data().to_f64();
    Ok(values.into_iter().map(|x| x as f32).collect())
}

fn floats(golden: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    let bytes = golden.tensor(name)?.data().to_vec();
    let values = bytes.chunks_exact(4);
    Ok(values
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect())
}

/// Every [`STRIDE`]-th row and column of each plane.
fn strided(values: &[f32]) -> Vec<f32> {
    let on_grid =
        |i: &usize| (i / SIDE).is_multiple_of(STRIDE) && (i % SIDE).is_multiple_of(STRIDE);
    values
        .chunks_exact(SIDE * SIDE)
        .flat_map(|plane| (0..SIDE * SIDE).filter(on_grid).map(|i| plane[i]))
        .collect()
}

fn check(preprocessor: &ImagePreprocessor, golden: &[u8]) -> Result<()> {
    let golden = SafeTensors::deserialize(golden)?;
    for (name, tolerance) in PHOTOGRAPHS {
        let ours = prepare(preprocessor, name)?;
        let theirs = floats(&golden, name)?;
        let picked = strided(&ours);
        assert_eq!(picked.len(), theirs.len());
        let per_channel = theirs.len() / 3;
        let levels: Vec<f32> = (0..theirs.len())
            .map(|i| {
                (picked[i] - theirs[i]).abs() * preprocessor.std[i / per_channel] as f32 * 255.0
            })
            .collect();
        let worst = levels.iter().copied().fold(0.0, f32::max);
        let mean = levels.iter().sum::<f32>() / levels.len() as f32;
        assert!(
            worst <= tolerance,
            "{name}: largest {worst}, mean {mean} levels"
        );
        assert!(
            mean <= MEAN_LEVELS,
            "{name}: largest {worst}, mean {mean} levels"
        );
        check_statistics(preprocessor, &golden, name, &ours)?;
    }
    Ok(())
}

/// Mean and deviation of every channel over the whole result.
fn check_statistics(
    preprocessor: &ImagePreprocessor,
    golden: &SafeTensors<'_>,
    name: &str,
    ours: &[f32],
) -> Result<()> {
    let means = floats(golden, &format!("{name}.mean"))?;
    let deviations = floats(golden, &format!("{name}.std"))?;
    for (channel, plane) in ours.chunks_exact(SIDE * SIDE).enumerate() {
        let count = plane.len() as f64;
        let mean = plane.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        let variance = plane
            .iter()
            .map(|&x| (f64::from(x) - mean).powi(2))
            .sum::<f64>()
            / count;
        for (what, ours, theirs) in [
            ("mean", mean as f32, means[channel]),
            ("deviation", variance.sqrt() as f32, deviations[channel]),
        ] {
            let levels = (ours - theirs).abs() * preprocessor.std[channel] as f32 * 255.0;
            assert!(
                levels <= MEAN_LEVELS,
                "{name}: {what} of channel {channel} is {levels} levels off"
            );
        }
    }
    Ok(())
}

#[test]
fn resnet50_as_torchvision() -> Result<()> {
    check(
        &IMAGENET_EVAL_232,
        include_bytes!("golden/resnet50.safetensors"),
    )
}

#[test]
fn vit_as_transformers() -> Result<()> {
    check(&VIT_HALF, include_bytes!("golden/vit-b16.safetensors"))
}

#[test]
fn swin_as_transformers() -> Result<()> {
    check(
        &IMAGENET_BICUBIC,
        include_bytes!("golden/swin-t.safetensors"),
    )
}

/// Configurations of checkpoints (`tests/fixtures/processors/`), with what a level of 1/255 is divided by in the
/// result: the deviation of each channel over the factor of rescaling.
const CONFIGURED: [(&str, [f64; 3]); 8] = [
    ("vit-first", [0.5 * 255.0; 3]),
    ("vit-wide", [0.2 * 127.5, 0.3 * 127.5, 0.4 * 127.5]),
    ("deit", [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0]),
    ("resnet", [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0]),
    ("mobilenet", [0.5 * 255.0; 3]),
    ("segformer-raw", [1.0; 3]),
    ("maskformer", [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0]),
    ("detr", [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0]),
];

/// The photographs as the configuration of this name says, and their mask.
fn configured(name: &str, shape: &[usize], masked: bool) -> Result<Vec<HostTensor>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/processors");
    let input = |name: &str, spec| RequestedInput {
        name: name.to_owned(),
        spec,
        below: None,
    };
    let mut inputs = vec![input("pixel_values", TensorSpec::new(DType::F32, shape))];
    // Values other than the file's, so that nothing of the preprocessor's own is left.
    let preprocessor: &dyn Preprocessor = match masked {
        true => {
            let mask = [shape[0], shape[2], shape[3]];
            inputs.push(input("pixel_mask", TensorSpec::new(DType::I64, mask)));
            &DETECTION_UNIT
        }
        false => &IMAGENET_EVAL_232,
    };
    let request = InputRequest {
        batch: shape[0],
        inputs,
        companions: Companions {
            folder: Some(Path::new(folder).join(name)),
            ..Companions::default()
        },
    };
    let mut samples = PHOTOGRAPHS.iter().map(|(name, _)| {
        let file = format!("{name}.jpg");
        let mut all = SampleData.open(Modality::Image, None)?;
        let found = all.find(|sample| matches!(sample, Ok(Sample::Image(i)) if i.name == file));
        found.context("no such photograph")?
    });
    let first = SampleData
        .open(Modality::Image, None)?
        .next()
        .context("no sample")??;
    preprocessor.check(&first, &request)?;
    preprocessor.prepare(&mut samples, &request)
}

#[test]
fn configurations_of_checkpoints_as_transformers() -> Result<()> {
    let golden = SafeTensors::deserialize(include_bytes!("golden/configured.safetensors"))?;
    for (name, levels) in CONFIGURED {
        let shape = integers(&golden, &format!("{name}.shape"))?;
        let masked = integers(&golden, &format!("{name}.masked")).ok();
        let tensors = configured(name, &shape, masked.is_some())?;
        let (height, width) = (shape[2], shape[3]);
        let values = tensors[0].data().to_f64();
        let on_grid = |i: &usize| (i / width).is_multiple_of(17) && (i % width).is_multiple_of(17);
        let planes = values.chunks_exact(height * width).enumerate();
        let ours = planes.flat_map(|(plane, values)| {
            let picked = (0..height * width).filter(on_grid);
            picked.map(move |i| (values[i], levels[plane % 3]))
        });
        let theirs = floats(&golden, name)?;
        let apart: Vec<f64> = ours
            .zip(&theirs)
            .map(|((ours, level), theirs)| (ours - f64::from(*theirs)).abs() * level)
            .collect();
        assert_eq!(apart.len(), theirs.len(), "{name}");
        let worst = apart.iter().copied().fold(0.0, f64::max);
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        assert!(
            worst <= CONFIGURED_LEVELS && mean <= f64::from(MEAN_LEVELS),
            "{name}: largest {worst}, mean {mean} levels"
        );
        if let Some(masked) = masked {
            let bits = tensors[1].data().to_f64();
            let set = bits
                .chunks_exact(height * width)
                .map(|bits| bits.iter().sum::<f64>() as usize);
            assert_eq!(set.collect::<Vec<_>>(), masked, "{name}");
        }
    }
    Ok(())
}

fn integers(golden: &SafeTensors<'_>, name: &str) -> Result<Vec<usize>> {
    let bytes = golden.tensor(name)?.data().to_vec();
    let words = bytes.as_chunks::<8>().0.iter();
    Ok(words
        .map(|word| i64::from_le_bytes(*word) as usize)
        .collect())
}
