//! What can be compared, and with what.

use std::str::FromStr;

use crate::dtype::DType;
use crate::op::OpGroup;
use crate::plugin::{Domain, nearest};

/// A property of an entry or of one of its occurrences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Operator,
    Variant,
    Vocabulary,
    Group,
    Dtype,
    Elements,
    Bytes,
    Model,
    Domain,
    Scope,
    Parent,
    Batch,
    Seq,
    Image,
    Count,
}

/// Keys by their spelling.
const KEYS: [(&str, Key); 15] = [
    ("operator", Key::Operator),
    ("variant", Key::Variant),
    ("vocabulary", Key::Vocabulary),
    ("group", Key::Group),
    ("dtype", Key::Dtype),
    ("elements", Key::Elements),
    ("bytes", Key::Bytes),
    ("model", Key::Model),
    ("domain", Key::Domain),
    ("scope", Key::Scope),
    ("parent", Key::Parent),
    ("batch", Key::Batch),
    ("seq", Key::Seq),
    ("image", Key::Image),
    ("count", Key::Count),
];

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((_, key)) = KEYS.iter().find(|(name, _)| *name == text) {
            return Ok(*key);
        }
        let names = KEYS.map(|(name, _)| name);
        let hint = nearest::hint(&nearest::nearest(text, names));
        Err(format!(
            "unknown key `{text}`{hint}; known: {}",
            names.join(", ")
        ))
    }
}

impl Key {
    pub(super) fn name(self) -> &'static str {
        let found = KEYS.iter().find(|(_, key)| *key == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether its values are numbers.
    pub(super) fn is_number(self) -> bool {
        use Key::{Batch, Bytes, Count, Elements, Image, Seq};
        matches!(self, Elements | Bytes | Batch | Seq | Image | Count)
    }

    /// Checks that a value is one that the key can have; keys with open sets of values take any.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        let known: Vec<String> = match self {
            Key::Group => OpGroup::ALL.iter().map(ToString::to_string).collect(),
            Key::Dtype => DType::ALL.iter().map(ToString::to_string).collect(),
            Key::Domain => Domain::ALL.iter().map(|domain| spelled(*domain)).collect(),
            _ => return Ok(()),
        };
        if known.iter().any(|name| name == value) {
            return Ok(());
        }
        let hint = nearest::hint(&nearest::nearest(value, known.iter().map(String::as_str)));
        let name = self.name();
        Err(format!(
            "unknown {name} `{value}`{hint}; known: {}",
            known.join(", ")
        ))
    }
}

/// The spelling of a domain in files and filters.
pub(super) fn spelled(domain: Domain) -> String {
    domain.name().replace(' ', "-")
}

/// Factors of sizes by the end of a number.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("k", 1000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

/// A whole number, with a unit or without.
pub(super) fn number(text: &str) -> Option<u64> {
    let unit = UNITS.iter().find_map(|(unit, factor)| {
        let digits = text.strip_suffix(unit)?;
        Some((digits, *factor))
    });
    let (digits, factor) = unit.unwrap_or((text, 1));
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
