//! Users' own models: any `.onnx` file.
//!
//! Where a `model.toml` describes them, inputs come from a dataset. Else they come from
//! `--set ort.inputs=FILE.npz`, else from `NAME.inputs.npz` beside `NAME.onnx`, else they
//! are made of the declared types and shapes; sizes of symbolic dimensions are settings then:
//! `--set dim.batch=1`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use nongemm_core::plugin::{Device, FileInputs, Settings};
use ort::value::DynTensor;

use super::inputs::{self, Input};
use super::session::ModelSession;
use super::{model, npz, trial};
use crate::proto::ModelProto;
use crate::runtime::{Options, upload};

/// The extensions of such files.
pub(crate) const FORMATS: &[&str] = &["onnx"];

/// Checks a file, the data that it refers to, its inputs and whether ONNX Runtime takes it, and asks for the
/// settings that it needs.
///
/// # Errors
/// One line that names what is wrong.
pub(crate) fn check(
    path: &Path,
    device: Device,
    settings: &Settings,
    inputs: FileInputs<'_>,
) -> anyhow::Result<()> {
    let own = Options::read(settings, device, 1)?;
    let model = model::read(path)?;
    trial::check_versions(&model).with_context(|| path.display().to_string())?;
    model::check_external_data(path, &model)?;
    match inputs {
        FileInputs::Own => drop(read_inputs(path, &model, settings)?),
        FileInputs::Given(inputs) => {
            let declared = inputs::declared(&model);
            let fits = declared.and_then(|declared| inputs::check_given(&declared, inputs));
            fits.with_context(|| path.display().to_string())?;
        }
    }
    trial::check(path, model, &own.providers)
}

/// A session of a file, its own inputs bound unless they are given.
pub(crate) fn prepare(
    path: &Path,
    own: Options,
    settings: &Settings,
    inputs: FileInputs<'_>,
) -> anyhow::Result<ModelSession> {
    let model = model::read(path)?;
    model::check_external_data(path, &model)?;
    let shown = || path.display().to_string();
    let load = |own| ModelSession::new(path, own, Box::new(()), None).with_context(shown);
    if let FileInputs::Given(inputs) = inputs {
        let names = inputs.iter().map(|input| input.name.clone());
        return Ok(load(own)?.taking(names.collect()));
    }
    let inputs = read_inputs(path, &model, settings)?;
    drop(model);
    let tensors = inputs
        .into_iter()
        .map(|input| {
            let tensor = upload(input.ty, &input.shape, &input.bytes);
            Ok((
                input.name.clone(),
                tensor.with_context(|| input.name.clone())?,
            ))
        })
        .collect::<anyhow::Result<Vec<(String, DynTensor)>>>()?;
    let mut session = load(own)?;
    session.bind_tensors(&tensors).with_context(shown)?;
    Ok(session)
}

fn read_inputs(path: &Path, model: &ModelProto, settings: &Settings) -> anyhow::Result<Vec<Input>> {
    let declared = inputs::declared(model).with_context(|| path.display().to_string())?;
    let dims = inputs::sizes(&declared, settings)?;
    let given = settings.find::<PathBuf>("ort.inputs")?;
    let beside = path.with_extension("inputs.npz");
    if let Some(file) = given.or_else(|| beside.is_file().then_some(beside)) {
        return npz::read(&file, &declared, &dims);
    }
    inputs::synthetic(path, model, &declared, &dims)
}
