//! The registry itself: a sorted set of entries.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::entry::{Call, Entry, Occurrence, sorted};
use super::filter::Filter;

/// Operator calls without duplicates, in one order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperatorRegistry {
    entries: BTreeMap<String, Entry>,
}

impl OperatorRegistry {
    /// Without entries.
    pub fn new() -> Self {
        OperatorRegistry::default()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries by group, operator and shape.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Adds what was met of a call to what is known of it.
    pub fn add(&mut self, mut call: Call, met: impl IntoIterator<Item = Occurrence>) {
        call.instance.attrs = sorted(&call.instance.attrs);
        let entry = self.entries.entry(call.key()).or_insert_with(|| Entry {
            call,
            met: BTreeSet::new(),
        });
        entry.met.extend(met);
    }

    /// Adds everything in another registry. The order of merging does not matter, and merging a registry
    /// that is contained already changes nothing.
    pub fn merge(&mut self, other: OperatorRegistry) {
        for entry in other.entries.into_values() {
            self.add(entry.call, entry.met);
        }
    }

    /// The entries that a filter takes, with the occurrences that it takes.
    #[must_use]
    pub fn filter(&self, filter: &Filter) -> Self {
        let entries = self.entries.iter().filter_map(|(key, entry)| {
            let entry = filter.select(entry)?;
            Some((key.clone(), entry))
        });
        OperatorRegistry {
            entries: entries.collect(),
        }
    }
}
