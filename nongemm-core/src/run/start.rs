//! From a checked run to a session with its inputs bound.

use std::time::Instant;

use anyhow::Context;

use super::execute::elapsed;
use super::{inputs, machine};
use crate::graph::peak_activation_bytes;
use crate::plan::{Checked, CheckedFile, CheckedInputs, CheckedRun};
use crate::plugin::{Device, Model, PrepareOptions, Session, Settings};
use crate::record::{Memory, ModelInfo, Phases, RunRecord, RunSpec, Turns, Weights};
use crate::tensor::HostTensor;

/// Memory that a worker needs beside weights and activations.
const OVERHEAD_BYTES: u64 = 300 << 20;

/// A run that is being started; the record learns what is known at each step.
pub(super) struct Start<'a> {
    pub(super) spec: &'a RunSpec,
    pub(super) record: &'a mut RunRecord,
    pub(super) phases: &'a mut Phases,
    /// Says that a phase begins, and when.
    pub(super) phase: &'a mut dyn FnMut(&str) -> Instant,
}

/// A run that was started.
pub(super) struct Started {
    pub(super) session: Box<dyn Session>,
    /// The tensors of each input, where there are several to be bound in turn.
    pub(super) inputs: Vec<Vec<HostTensor>>,
    pub(super) memory: Memory,
}

impl Start<'_> {
    pub(super) fn session(&mut self, checked: &Checked, since: Instant) -> anyhow::Result<Started> {
        match checked {
            Checked::Graph(checked) => self.graph(checked, since),
            Checked::File(checked) => self.file(checked, since),
        }
    }

    fn graph(&mut self, checked: &CheckedRun, since: Instant) -> anyhow::Result<Started> {
        self.record.software.libraries = checked.backend.versions().into_iter().collect();
        self.record.model = Some(ModelInfo {
            parameters: Some(checked.graph.parameter_count()),
            nodes: Some(checked.graph.nodes().len()),
            ..about(checked.model)
        });
        let memory = Memory {
            weights_bytes: checked.graph.weight_bytes(),
            activation_bytes: peak_activation_bytes(&checked.graph),
            ..Memory::default()
        };
        self.record.memory = Some(memory);
        check_memory(self.spec, &memory)?;
        self.phases.build_ns = elapsed(since);

        let inputs = self.inputs(&checked.inputs)?;
        let since = (self.phase)("loading weights");
        let options = self.options(&checked.settings);
        let weights = checked.weights.as_ref();
        let session = checked.backend.prepare(&checked.graph, weights, &options)?;
        let started = self.bound(session, inputs, memory)?;
        self.record.weights = Some(Weights {
            source: weights.describe(),
            files: Vec::new(),
        });
        self.phases.prepare_ns = elapsed(since);
        Ok(started)
    }

    fn file(&mut self, checked: &CheckedFile, since: Instant) -> anyhow::Result<Started> {
        self.record.software.libraries = checked.backend.versions().into_iter().collect();
        self.record.model = checked.model.map(|entry| about(entry.plugin));
        self.phases.build_ns = elapsed(since);

        let inputs = checked.inputs.as_ref();
        let inputs = inputs.map(|inputs| self.inputs(inputs)).transpose()?;
        let since = (self.phase)("loading the model file");
        let options = self.options(&checked.settings);
        let source = checked.source();
        let session = checked
            .backend
            .prepare_file(&checked.path, &options, source)?;
        let file_bytes = || checked.path.metadata().map_or(0, |data| data.len());
        let weights_bytes = session.memory().weights_bytes;
        let memory = Memory {
            weights_bytes: weights_bytes.unwrap_or_else(file_bytes),
            ..Memory::default()
        };
        self.record.memory = Some(memory);
        let started = match inputs {
            Some(inputs) => self.bound(session, inputs, memory)?,
            None => Started {
                session,
                inputs: Vec::new(),
                memory,
            },
        };
        self.phases.prepare_ns = elapsed(since);
        Ok(started)
    }

    fn inputs(&mut self, checked: &CheckedInputs) -> anyhow::Result<Vec<Vec<HostTensor>>> {
        let since = (self.phase)("preparing inputs");
        let read = checked.dataset.act(|_| inputs::read(checked, self.spec));
        let (inputs, read, turns) = read?;
        self.record.inputs = Some(read);
        self.record.turns = (self.spec.inputs > 1).then(|| Turns {
            inputs: turns,
            ..Turns::default()
        });
        self.phases.inputs_ns = elapsed(since);
        Ok(inputs)
    }

    fn bound(
        &self,
        mut session: Box<dyn Session>,
        mut inputs: Vec<Vec<HostTensor>>,
        memory: Memory,
    ) -> anyhow::Result<Started> {
        let first = inputs.first().context("a run needs an input")?;
        session.bind(first).context("binding inputs")?;
        if self.spec.inputs == 1 {
            // The session has its own copy.
            inputs.clear();
        }
        Ok(Started {
            session,
            inputs,
            memory,
        })
    }

    fn options(&self, settings: &Settings) -> PrepareOptions {
        PrepareOptions {
            device: self.spec.device,
            dtype: self.spec.dtype,
            threads: self.spec.threads,
            settings: settings.clone(),
        }
    }
}

fn about(model: &dyn Model) -> ModelInfo {
    let provenance = model.provenance();
    ModelInfo {
        domain: model.domain(),
        checkpoint: provenance.checkpoint.to_owned(),
        reference: provenance.reference.to_owned(),
        parameters: None,
        nodes: None,
    }
}

/// Refuses a run that cannot fit, before anything is loaded.
fn check_memory(spec: &RunSpec, memory: &Memory) -> anyhow::Result<()> {
    const MIB: u64 = 1 << 20;
    let needed = memory
        .weights_bytes
        .saturating_add(memory.activation_bytes)
        .saturating_add(OVERHEAD_BYTES);
    let Some(available) = machine::available_memory() else {
        return Ok(());
    };
    anyhow::ensure!(
        spec.device != Device::Cpu || needed <= available,
        "{} needs {} MiB ({} weights + {} activations + {} overhead), {} MiB are available; \
         use a smaller batch, a narrower --dtype or a smaller model",
        spec.model,
        needed / MIB,
        memory.weights_bytes / MIB,
        memory.activation_bytes / MIB,
        OVERHEAD_BYTES / MIB,
        available / MIB
    );
    Ok(())
}
