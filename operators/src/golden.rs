//! What the reference implementation computes for every case (feature `golden`).
//!
//! `golden/ops.safetensors` holds the outputs of PyTorch, computed by `models/reference/ops_golden.py`
//! from the cases that `examples/export_cases.rs` writes. They are registered as a [`Reference`], with which
//! every backend's tests compare.

use anyhow::Context;
use nongemm_core::conformance::Reference;
use nongemm_core::dtype::DType;
use nongemm_core::tensor::{HostData, HostTensor};
use safetensors::{Dtype, SafeTensors};

/// The reference.
struct PyTorch;

nongemm_core::register!(dyn Reference, &PyTorch);

impl Reference for PyTorch {
    fn id(&self) -> &'static str {
        "pytorch"
    }

    fn outputs(&self, case: &str) -> anyhow::Result<Option<Vec<HostTensor>>> {
        let outputs = read(case)?;
        Ok((!outputs.is_empty()).then_some(outputs))
    }
}

static FILE: &[u8] = include_bytes!("../golden/ops.safetensors");

/// The name in the file of one output of a case.
fn key(case: &str, output: usize) -> String {
    format!("{case}/out{output}")
}

/// The reference's outputs for the case with this id ([`OpCase::id`](nongemm_core::op::OpCase::id)).
///
/// # Errors
/// When the file has no outputs for the case: run `examples/export_cases.rs`, then `ops_golden.py`.
pub fn outputs(case: &str) -> anyhow::Result<Vec<HostTensor>> {
    let outputs = read(case)?;
    anyhow::ensure!(
        !outputs.is_empty(),
        "no golden outputs for case {case}; run the example export_cases and ops_golden.py"
    );
    Ok(outputs)
}

fn read(case: &str) -> anyhow::Result<Vec<HostTensor>> {
    let file = SafeTensors::deserialize(FILE)?;
    let mut outputs = Vec::new();
    while let Ok(view) = file.tensor(&key(case, outputs.len())) {
        let dtype = dtype(view.dtype())?;
        let data = HostData::from_bytes(dtype, view.data());
        outputs.push(HostTensor::new(view.shape(), data)?);
    }
    Ok(outputs)
}

/// Names of all outputs in the file, `case/outN`.
///
/// # Errors
/// When the file is damaged.
pub fn names() -> anyhow::Result<Vec<String>> {
    let file = SafeTensors::deserialize(FILE).context("golden/ops.safetensors")?;
    Ok(file.names().into_iter().map(str::to_owned).collect())
}

fn dtype(dtype: Dtype) -> anyhow::Result<DType> {
    Ok(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool,
        other => anyhow::bail!("golden outputs of type {other} are not supported"),
    })
}
