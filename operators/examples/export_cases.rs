//! Writes every case for the reference implementation to compute:
//!
//! ```sh
//! cargo run -p nongemm-operators --example export_cases -- DIR
//! python models/reference/ops_golden.py --cases DIR/cases.json --inputs DIR/inputs.safetensors \
//!     --out operators/golden/ops.safetensors
//! ```

use std::collections::HashMap;
use std::path::PathBuf;

use nongemm_core::dtype::DType;
use nongemm_core::op::{OpCase, OpRegistry};
use nongemm_core::tensor::HostTensor;
use nongemm_operators as _;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let dir = std::env::args().nth(1).map(PathBuf::from);
    let dir = dir.ok_or_else(|| anyhow::anyhow!("name the folder to write to"))?;
    std::fs::create_dir_all(&dir)?;
    let cases = OpRegistry::collect()?.cases();
    let mut tensors: Vec<(String, HostTensor)> = Vec::new();
    for case in &cases {
        for (i, tensor) in case.tensors()?.into_iter().enumerate() {
            tensors.push((format!("{}/in{i}", case.id()), tensor));
        }
    }
    let views = tensors
        .iter()
        .map(|(name, tensor)| {
            let (dtype, shape) = (stored(tensor.dtype()), tensor.shape().to_vec());
            Ok((
                name,
                TensorView::new(dtype, shape, tensor.data().as_bytes())?,
            ))
        })
        .collect::<anyhow::Result<HashMap<_, _>>>()?;
    safetensors::serialize_to_file(views, None, &dir.join("inputs.safetensors"))?;
    let list: Vec<Value> = cases.iter().map(describe).collect();
    std::fs::write(dir.join("cases.json"), serde_json::to_string_pretty(&list)?)?;
    Ok(())
}

fn describe(case: &OpCase) -> Value {
    let inputs: Vec<_> = case.inputs.iter().map(|input| &input.spec).collect();
    json!({
        "case": case.id(),
        "op": case.op.name(),
        "attrs": case.op.attrs(),
        "inputs": inputs,
    })
}

fn stored(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
