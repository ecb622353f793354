//! The embedded samples through the preprocessors that the models use: the default job's inputs.

use anyhow::Result;
use nongemm_core::dtype::DType;
use nongemm_core::plugin::{
    Dataset, InputRequest, Modality, Preprocessor, Registry, RequestedInput,
};
use nongemm_core::run::Reader;
use nongemm_core::shape::TensorSpec;
use nongemm_core::tensor::HostTensor;
use nongemm_datasets::{CausalText, IMAGENET_EVAL_232, MaskedText, SampleData};

const BATCH: usize = 40;

fn prepare(
    preprocessor: &dyn Preprocessor,
    inputs: &[(&str, DType, &[usize])],
    below: Option<usize>,
) -> Result<Vec<HostTensor>> {
    let inputs = inputs.iter().map(|(name, dtype, shape)| RequestedInput {
        name: (*name).to_owned(),
        spec: TensorSpec::new(*dtype, *shape),
        below,
    });
    let request = InputRequest {
        batch: BATCH,
        inputs: inputs.collect(),
        ..InputRequest::default()
    };
    let mut samples = Reader::open(&SampleData, preprocessor.modality(), None)?;
    preprocessor.prepare(&mut samples, &request)
}

/// Every row of the batch differs from every other one.
fn assert_rows_differ(tensor: &HostTensor) {
    let values = tensor.data().to_f64();
    let rows: Vec<&[f64]> = values.chunks_exact(values.len() / BATCH).collect();
    for (i, row) in rows.iter().enumerate() {
        assert!(!rows[..i].contains(row), "row {i} repeats");
    }
}

#[test]
fn the_datasets_are_registered() -> Result<()> {
    let registry = Registry::<dyn Dataset>::collect()?;
    assert_eq!(
        registry.ids().collect::<Vec<_>>(),
        [
            "coco", "imagenet", "images", "npz", "sample", "text", "wikitext"
        ]
    );
    Ok(())
}

#[test]
fn gpt2_rows_are_full_and_differ() -> Result<()> {
    let text = CausalText { vocabulary: "gpt2" };
    for length in [1024, 8] {
        let shape: &[usize] = &[BATCH, length];
        let tensors = prepare(&text, &[("input_ids", DType::I64, shape)], Some(50257))?;
        assert_eq!(tensors[0].shape(), shape);
        assert_rows_differ(&tensors[0]);
    }
    Ok(())
}

#[test]
fn a_small_table_takes_all_ids() -> Result<()> {
    let text = CausalText { vocabulary: "gpt2" };
    let tensors = prepare(&text, &[("input_ids", DType::I64, &[BATCH, 64])], Some(100))?;
    let values = tensors[0].data().to_f64();
    assert!(values.iter().all(|id| (0.0..100.0).contains(id)));
    Ok(())
}

#[test]
fn bert_rows_are_framed_and_differ() -> Result<()> {
    let text = MaskedText {
        vocabulary: "bert-base-uncased",
        cls: 101,
        sep: 102,
    };
    let shape: &[usize] = &[BATCH, 128];
    let inputs = [
        ("input_ids", DType::I64, shape),
        ("token_type_ids", DType::I64, shape),
    ];
    let tensors = prepare(&text, &inputs, None)?;
    assert_eq!(tensors.len(), 2);
    assert_rows_differ(&tensors[0]);
    let ids = tensors[0].data().to_f64();
    for row in ids.chunks_exact(128) {
        assert_eq!((row[0], row[127]), (101.0, 102.0));
    }
    assert!(tensors[1].data().to_f64().iter().all(|&id| id == 0.0));
    Ok(())
}

#[test]
fn photographs_repeat_when_the_batch_is_larger() -> Result<()> {
    let input = ("pixel_values", DType::F32, &[BATCH, 3, 64, 64] as &[usize]);
    let tensors = prepare(&IMAGENET_EVAL_232, &[input], None)?;
    let values = tensors[0].data().to_f64();
    let rows: Vec<&[f64]> = values.chunks_exact(3 * 64 * 64).collect();
    assert_eq!(rows[0], rows[8]);
    assert_ne!(rows[0], rows[1]);
    assert_eq!(IMAGENET_EVAL_232.modality(), Modality::Image);
    Ok(())
}
