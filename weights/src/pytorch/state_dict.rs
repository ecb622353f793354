//! Finds the tensors by name in what a pickle holds.
//!
//! A state dictionary maps names to tensors. Training scripts save it as one entry of several
//! (`{"state_dict": .., "epoch": ..}`), and wrappers put their own name before every parameter's.

use std::collections::{BTreeMap, HashSet};

use super::pickle::{Id, Pickled, Value};
use super::tensor::{Storages, locate};
use crate::checkpoint::{Entry, shown};

/// What training scripts call the state dictionary among other entries.
const NAMES: &[&str] = &["state_dict", "model_state_dict", "model", "module"];

/// What wrappers put before all names: `DataParallel`, `torch.compile`.
const PREFIXES: &[&str] = &["module.", "_orig_mod."];

/// Entries of dictionaries that are looked through for a state dictionary.
const DEEPEST: usize = 4;

/// Reads the tensors of a checkpoint by name.
///
/// # Errors
/// When there is no state dictionary in it, or a tensor is wrong.
pub(super) fn read(
    pickled: &Pickled<'_>,
    storages: &dyn Storages,
) -> Result<BTreeMap<String, Entry>, String> {
    let found = find(pickled)?;
    let prefix = prefix(pickled, found);
    let mut tensors = BTreeMap::new();
    for (name, id) in named(pickled, found) {
        let Value::Tensor(tensor) = pickled.value(id) else {
            continue;
        };
        let entry = locate(tensor, pickled, storages)
            .map_err(|e| format!("tensor `{}` {e}", shown::name(name)))?;
        tensors.insert(name[prefix..].to_owned(), entry);
    }
    Ok(tensors)
}

/// The entries of a dictionary whose keys are texts.
fn named<'p, 'a>(pickled: &'p Pickled<'a>, id: Id) -> impl Iterator<Item = (&'a str, Id)> + 'p {
    let entries = match pickled.value(id) {
        Value::Dict(entries) => entries.as_slice(),
        _ => &[],
    };
    entries
        .iter()
        .filter_map(|&(key, value)| match pickled.value(key) {
            Value::Text(name) => Some((*name, value)),
            _ => None,
        })
}

fn is_tensor(pickled: &Pickled<'_>, id: Id) -> bool {
    matches!(pickled.value(id), Value::Tensor(_))
}

fn holds_tensors(pickled: &Pickled<'_>, id: Id) -> bool {
    named(pickled, id).any(|(_, value)| is_tensor(pickled, value))
}

/// The state dictionary: what has its usual name, else the outermost dictionary of tensors.
fn find(pickled: &Pickled<'_>) -> Result<Id, String> {
    let root = pickled.root_id();
    if !matches!(pickled.value(root), Value::Dict(_)) {
        return Err("holds no dictionary of tensors; save model.state_dict()".to_owned());
    }
    // A file may name one dictionary any number of times: each is looked through once.
    let mut seen = HashSet::from([root]);
    let mut found = Vec::new();
    if holds_tensors(pickled, root) {
        found.push(("", root));
    }
    let mut level = vec![root];
    for _ in 0..DEEPEST {
        let mut inner = Vec::new();
        for (name, value) in level.iter().flat_map(|&id| named(pickled, id)) {
            if matches!(pickled.value(value), Value::Dict(_)) && seen.insert(value) {
                inner.push(value);
                if holds_tensors(pickled, value) {
                    found.push((name, value));
                }
            }
        }
        if let Some(id) = chosen(&found)? {
            return Ok(id);
        }
        level = inner;
    }
    Err("holds no dictionary of tensors; save model.state_dict()".to_owned())
}

/// The state dictionary of several candidates, if there are any.
fn chosen(found: &[(&str, Id)]) -> Result<Option<Id>, String> {
    let usual = NAMES.iter().chain(&[""]);
    let usual = usual.filter_map(|usual| found.iter().find(|(name, _)| name == usual));
    match (usual.into_iter().next(), found) {
        (Some((_, id)), _) | (None, [(_, id)]) => Ok(Some(*id)),
        (None, []) => Ok(None),
        (None, [(one, _), (other, _), ..]) => Err(format!(
            "holds several dictionaries of tensors, among them `{}` and `{}`: save the one that \
             is meant",
            shown::name(one),
            shown::name(other)
        )),
    }
}

/// The length of what is before the names of all tensors.
fn prefix(pickled: &Pickled<'_>, id: Id) -> usize {
    let names = || named(pickled, id).filter(|(_, value)| is_tensor(pickled, *value));
    let mut length = 0;
    while let Some(prefix) = PREFIXES.iter().find(|prefix| {
        names().all(|(name, _)| {
            name.get(length..)
                .is_some_and(|rest| rest.len() > prefix.len() && rest.starts_with(**prefix))
        })
    }) {
        length += prefix.len();
    }
    length
}
