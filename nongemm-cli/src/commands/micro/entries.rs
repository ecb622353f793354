//! Which calls are measured: the entries of a registry that a filter takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nongemm_core::dtype::DType;
use nongemm_core::op::{Attrs, OpGroup, OpInstance};
use nongemm_core::plugin::{Plugins, RefusedLine};
use nongemm_core::record::{RunRecord, call_key};
use nongemm_core::registry::{
    Call, Entry, Filter, OperatorRegistry, Refused, check, from_record, read_spec,
};
use serde_json::Value;

use crate::args::MicroArgs;
use crate::commands::registry::source::open;
use crate::error::CliError;

/// The registry that is measured if none is named.
const PRESET: &str = "preset";

/// A call that may be measured.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Whose operator it is; none for the graph's own.
    pub(super) vocabulary: Option<String>,
    /// The call.
    pub(super) call: OpInstance,
    /// Its group, where the operator is known.
    pub(super) group: Option<OpGroup>,
    /// Models that make it.
    pub(super) models: Vec<String>,
    /// Why it cannot run, where that is known already.
    pub(super) refused: Option<String>,
}

impl Candidate {
    /// Text that is equal for equal calls alone.
    pub(super) fn key(&self) -> String {
        call_key(self.vocabulary.as_deref(), &self.call)
    }

    /// The same call with its `f32` operands in another type.
    pub(super) fn in_type(&self, dtype: Option<DType>) -> Self {
        let mut changed = self.clone();
        let Some(dtype) = dtype else {
            return changed;
        };
        if let Some(vocabulary) = &self.vocabulary {
            let single = changed
                .call
                .inputs
                .iter()
                .any(|spec| spec.dtype == DType::F32);
            if single && dtype != DType::F32 && changed.refused.is_none() {
                changed.refused = Some(format!(
                    "{vocabulary} operators run alone in the types that they were met in; leave --dtype out"
                ));
            }
            return changed;
        }
        for spec in &mut changed.call.inputs {
            if spec.dtype == DType::F32 {
                spec.dtype = dtype;
            }
        }
        changed
    }

    /// A line of a registry file that is no entry.
    fn refused(line: RefusedLine) -> Self {
        Candidate {
            vocabulary: None,
            call: OpInstance {
                op: line.op.clone().unwrap_or_else(|| "?".to_owned()),
                attrs: Attrs::new(),
                inputs: Vec::new(),
            },
            group: None,
            models: Vec::new(),
            refused: Some(line.to_string()),
        }
    }

    fn of(entry: &Entry, plugins: &Plugins) -> Self {
        let call = &entry.call;
        let refused = match check(call, &plugins.ops) {
            // Whether it can run alone its flow knows.
            Ok(_) | Err(Refused::Foreign { .. }) => None,
            Err(refused) => Some(refused),
        };
        Candidate {
            vocabulary: (!call.is_ir()).then(|| call.vocabulary.clone()),
            call: call.instance.clone(),
            group: Some(entry.call.group),
            models: entry.models().into_iter().map(str::to_owned).collect(),
            refused: refused.map(|error| error.to_string()),
        }
    }
}

/// The calls that are asked for. Without a filter GEMM operators are left out, but for
/// those of a list.
pub(super) fn candidates(
    args: &MicroArgs,
    runs: &[RunRecord],
    plugins: &Plugins,
) -> Result<Vec<Candidate>, CliError> {
    let filter = match &args.filter {
        Some(text) => Some(text.parse::<Filter>().map_err(CliError::filter)?),
        None => None,
    };
    let (registry, mut others) = sources(args, filter.as_ref(), runs, plugins)?;
    let registry = match &filter {
        Some(filter) => registry.filter(filter),
        None => registry,
    };
    let chosen = registry
        .iter()
        .filter(|entry| filter.is_some() || !entry.call.is_gemm());
    let mut all: Vec<Candidate> = chosen.map(|entry| Candidate::of(entry, plugins)).collect();
    all.append(&mut others);
    if all.is_empty() {
        return Err(CliError::usage(
            "no entry is left to measure; see `nongemm registry list`",
        ));
    }
    Ok(all)
}

/// The registry, and what stood in its file but can be no entry of it.
fn sources(
    args: &MicroArgs,
    filter: Option<&Filter>,
    runs: &[RunRecord],
    plugins: &Plugins,
) -> Result<(OperatorRegistry, Vec<Candidate>), CliError> {
    let mut registry = OperatorRegistry::new();
    for run in runs {
        registry.merge(from_record(run, &plugins.ops).registry);
    }
    let source = match (&args.registry, &args.from) {
        (Some(source), _) => source.as_str(),
        (None, Some(_)) => return Ok((registry, Vec::new())),
        (None, None) => PRESET,
    };
    let path = Path::new(source);
    if is_list(path) {
        return Ok((registry, list(path, filter, plugins)?));
    }
    let found = open(source, plugins)?;
    registry.merge(found.registry);
    let refused = found.refused.into_iter().map(Candidate::refused);
    Ok((registry, refused.collect()))
}

/// Whether a file is a list of calls, written by hand or by a program, rather than a registry.
fn is_list(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

/// The calls of a JSON list: `[{"op": .., "attrs": {..}, "inputs": [{"dtype": .., "shape": [..]}]}]`. One
/// that is wrong is refused by itself.
fn list(
    path: &Path,
    filter: Option<&Filter>,
    plugins: &Plugins,
) -> Result<Vec<Candidate>, CliError> {
    let wrong = |error: &dyn std::fmt::Display| {
        CliError::usage(format!("{} is no list of calls: {error}", path.display()))
    };
    let text = fs::read_to_string(path)
        .map_err(|e| CliError::usage(format!("cannot read {}: {e}", path.display())))?;
    let calls: Vec<Value> = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
    let all = calls.iter().map(|value| candidate(value, plugins));
    let taken = |candidate: &Candidate| {
        filter.is_none_or(|filter| {
            let group = candidate.group.unwrap_or(OpGroup::Unclassified);
            let entry = Entry {
                call: Call::ir(candidate.call.clone(), group),
                met: BTreeSet::new(),
            };
            filter.select(&entry).is_some()
        })
    };
    Ok(all.filter(taken).collect())
}

fn candidate(value: &Value, plugins: &Plugins) -> Candidate {
    match serde_json::from_value::<OpInstance>(value.clone()) {
        Ok(call) => Candidate {
            vocabulary: None,
            group: call.op(&plugins.ops).ok().map(|op| op.group()),
            call,
            models: Vec::new(),
            refused: None,
        },
        Err(error) => Candidate {
            vocabulary: None,
            call: OpInstance {
                op: value["op"].as_str().unwrap_or("?").to_owned(),
                attrs: value["attrs"].as_object().cloned().unwrap_or_default(),
                inputs: Vec::new(),
            },
            group: None,
            models: Vec::new(),
            refused: Some(wrong_input(value).unwrap_or_else(|| format!("{error} in {value}"))),
        },
    }
}

/// What is wrong with a call that has an input which is none.
fn wrong_input(call: &Value) -> Option<String> {
    let mut inputs = call["inputs"].as_array()?.iter();
    inputs.find_map(|input| read_spec(input).err())
}
