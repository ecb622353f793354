//! Single calls that a run recorded, run alone: a program of one operator, called through the dispatcher.
//!
//! Rows of a traced graph carry the attributes of the graph's node, which need not be those of the call that
//! libtorch made: where no schema takes them, the node is run as the flow runs it in a graph.

use std::sync::Arc;

use anyhow::Context;
use nongemm_core::kernel::Engine;
use nongemm_core::op::{Op, OpInstance, OpRegistry, Values};
use nongemm_core::plugin::{Backend, PrepareError, PrepareOptions, Session};
use nongemm_core::run::alone::{Alone, made_up};

use super::common::{self, Modes};
use super::file::Archive;
use super::mapping::{VOCABULARY, plain, qualified};
use super::whole::WholeSession;
use crate::device::InferenceMode;
use crate::engine::{Tensor, Torch};
use crate::program::Program;

/// A session of a call in ATen's vocabulary, with made-up inputs bound.
///
/// # Errors
/// When it is of another vocabulary, when libtorch has no such operator, or when the record leaves open how
/// it was called.
pub(crate) fn prepare(
    flow: &dyn Backend,
    vocabulary: &str,
    call: &OpInstance,
    options: &PrepareOptions,
) -> Result<Box<dyn Session>, PrepareError> {
    if vocabulary != VOCABULARY {
        return Err(PrepareError::foreign(flow.id(), vocabulary, call));
    }
    let ops = OpRegistry::collect().map_err(anyhow::Error::from)?;
    let node = node(call);
    match Program::of_call(&qualified(&call.op), call) {
        Ok(program) => {
            let known = node.op(&ops).ok();
            Ok(session(program, call, known.as_ref(), options)?)
        }
        // Without attributes nothing tells the graph's row from another one.
        Err(error) if call.attrs.is_empty() => Err(error.into()),
        Err(error) => match Alone::new(&node, &ops) {
            Ok(alone) => alone.session(flow, options),
            Err(_) => Err(error.into()),
        },
    }
}

/// The call as one of the graph's operators, which are called as libtorch's are, without their library and
/// without the mark of those that work in place.
fn node(call: &OpInstance) -> OpInstance {
    let name = call.op.as_str();
    let name = name.rsplit_once("::").map_or(name, |(_, name)| name);
    OpInstance {
        op: plain(name).to_owned(),
        ..call.clone()
    }
}

fn session(
    program: Program,
    call: &OpInstance,
    known: Option<&Arc<dyn Op>>,
    options: &PrepareOptions,
) -> anyhow::Result<Box<dyn Session>> {
    let modes = Modes::read(&options.settings, options.threads)?;
    let modes = common::start(options.device, &modes)?;
    let _inference = InferenceMode::begin();
    let engine = Torch::new(options.device);
    let archive = Archive::new(program, None)?;
    let mut session = WholeSession::new(archive, engine, modes, None);
    session
        .bind_device(inputs(call, known, &engine)?)
        .with_context(|| format!("operator {}", call.op))?;
    Ok(Box::new(session))
}

/// What the graph's operator asks for, where there is one that takes these inputs.
fn inputs(
    call: &OpInstance,
    known: Option<&Arc<dyn Op>>,
    engine: &Torch,
) -> anyhow::Result<Vec<Tensor>> {
    let specs = &call.inputs;
    let known = known.filter(|op| op.infer(specs).is_ok());
    let usual = || specs.iter().map(Values::usual).collect();
    let values = known.map_or_else(usual, |op| op.values(specs));
    let tensors = made_up(&call.op, values, specs)?;
    tensors
        .into_iter()
        .map(|tensor| engine.upload(tensor))
        .collect()
}
