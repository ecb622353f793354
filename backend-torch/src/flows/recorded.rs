//! Single calls that a run recorded, run alone: a program of one operator, called through the dispatcher.

use anyhow::Context;
use nongemm_core::kernel::Engine;
use nongemm_core::op::{OpInstance, Values};
use nongemm_core::plugin::{PrepareError, PrepareOptions, Session};
use nongemm_core::rng::Uniform;

use super::common::{self, Modes};
use super::file::Archive;
use super::mapping::VOCABULARY;
use super::whole::WholeSession;
use crate::device::InferenceMode;
use crate::engine::{Tensor, Torch};
use crate::program::Program;

/// A session of a call in ATen's vocabulary, with made-up inputs bound. `flow` is who was asked.
///
/// # Errors
/// When it is of another vocabulary, when libtorch has no such operator, or when the record leaves open how
/// it was called.
pub(crate) fn prepare(
    flow: &str,
    vocabulary: &str,
    call: &OpInstance,
    options: &PrepareOptions,
) -> Result<Box<dyn Session>, PrepareError> {
    if vocabulary != VOCABULARY {
        let op = &call.op;
        let message = format!("backend {flow} runs no {vocabulary} operators alone ({op})");
        return Err(PrepareError::Other(anyhow::anyhow!(message)));
    }
    let modes = Modes::read(&options.settings, options.threads)?;
    let modes = common::start(options.device, &modes)?;
    let _inference = InferenceMode::begin();
    let engine = Torch::new(options.device);
    let archive = Archive::new(Program::of_call(call)?, None)?;
    let mut session = WholeSession::new(archive, engine, modes, None);
    session
        .bind_device(inputs(call, &engine)?)
        .with_context(|| format!("operator {}", call.op))?;
    Ok(Box::new(session))
}

fn inputs(call: &OpInstance, engine: &Torch) -> anyhow::Result<Vec<Tensor>> {
    let specs = call.inputs.iter().enumerate();
    specs
        .map(|(position, spec)| {
            let rng = Uniform::new(0, &format!("{}#{position}", call.op));
            engine.upload(Values::usual(spec).tensor(spec, rng)?)
        })
        .collect()
}
