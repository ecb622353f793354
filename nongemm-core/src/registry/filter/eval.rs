//! What a filter takes.

use super::key::{Key, spelled};
use super::lex::Comparison;
use super::parse::{Expr, Filter, Operand};
use crate::registry::{Entry, Occurrence};

impl Filter {
    /// The entry with the occurrences that the filter takes; `None` if it takes none. An entry that was met
    /// nowhere is taken if the filter holds without asking where.
    pub fn select(&self, entry: &Entry) -> Option<Entry> {
        if entry.met.is_empty() {
            return holds(&self.expr, entry, None).then(|| entry.clone());
        }
        let fits = |met: &&Occurrence| holds(&self.expr, entry, Some(met));
        let met: std::collections::BTreeSet<_> = entry.met.iter().filter(fits).cloned().collect();
        (!met.is_empty()).then(|| Entry {
            call: entry.call.clone(),
            met,
        })
    }
}

fn holds(expr: &Expr, entry: &Entry, met: Option<&Occurrence>) -> bool {
    match expr {
        Expr::Any(parts) => parts.iter().any(|part| holds(part, entry, met)),
        Expr::All(parts) => parts.iter().all(|part| holds(part, entry, met)),
        Expr::Not(part) => !holds(part, entry, met),
        Expr::Compare(key, comparison, Operand::Number(value)) => number(*key, entry, met)
            .is_some_and(|found| match comparison {
                Comparison::Equal => found == *value,
                Comparison::Unequal => found != *value,
                Comparison::Less => found < *value,
                Comparison::AtMost => found <= *value,
                Comparison::Greater => found > *value,
                Comparison::AtLeast => found >= *value,
                Comparison::Contains => false,
            }),
        Expr::Compare(key, comparison, Operand::Text(value)) => {
            let found = texts(*key, entry, met);
            match comparison {
                Comparison::Unequal => !found.contains(value),
                Comparison::Contains => found.iter().any(|text| text.contains(value.as_str())),
                _ => found.contains(value),
            }
        }
    }
}

fn number(key: Key, entry: &Entry, met: Option<&Occurrence>) -> Option<u64> {
    let size = |size: Option<usize>| size.map(|size| size as u64);
    match key {
        Key::Elements => Some(entry.call.elements()),
        Key::Bytes => Some(entry.call.bytes()),
        Key::Batch => size(met?.batch),
        Key::Seq => size(met?.seq),
        Key::Image => size(met?.image),
        Key::Count => Some(met?.count),
        _ => None,
    }
}

fn texts(key: Key, entry: &Entry, met: Option<&Occurrence>) -> Vec<String> {
    let call = &entry.call;
    match key {
        Key::Operator => vec![call.instance.op.clone()],
        Key::Variant => vec![call.variant()],
        Key::Vocabulary => vec![call.vocabulary.clone()],
        Key::Group => vec![call.group.name().to_owned()],
        Key::Dtype => entry
            .inputs()
            .iter()
            .map(|spec| spec.dtype.to_string())
            .collect(),
        Key::Model => met.iter().map(|met| met.model.clone()).collect(),
        Key::Domain => met.iter().map(|met| spelled(met.domain)).collect(),
        Key::Scope => met.iter().map(|met| met.scope.clone()).collect(),
        Key::Parent => met.and_then(|met| met.parent.clone()).into_iter().collect(),
        _ => Vec::new(),
    }
}
