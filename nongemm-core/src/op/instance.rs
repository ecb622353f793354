//! Operators as data, and the registry that reads them back.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::case::OpCase;
use super::def::{Attrs, Op};
use crate::plugin::nearest;
use crate::shape::TensorSpec;

/// One call of an operator as plain data: name, attributes, input specs. What is stored and replayed
/// when an operator is benchmarked alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpInstance {
    /// The operator's name.
    pub op: String,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "Attrs::is_empty")]
    pub attrs: Attrs,
    /// Its inputs.
    pub inputs: Vec<TensorSpec>,
}

impl OpInstance {
    /// The call of `op` on `inputs`.
    pub fn new(op: &dyn Op, inputs: &[TensorSpec]) -> Self {
        OpInstance {
            op: op.name().to_owned(),
            attrs: op.attrs(),
            inputs: inputs.to_vec(),
        }
    }

    /// Text that is equal for equal calls alone, in whatever order their attributes are.
    pub fn key(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value.sort_all_objects();
        value.to_string()
    }

    /// The operator, read back through the registry.
    ///
    /// # Errors
    /// When no crate registers the name or the attributes do not fit.
    pub fn op(&self, registry: &OpRegistry) -> Result<Arc<dyn Op>, OpError> {
        registry.read(&self.op, &self.attrs)
    }
}

/// An operator type that can be registered: its names and its cases.
pub trait OpDef: Op + Serialize + DeserializeOwned {
    /// Every name that values of this type can have: one for a single operator, several for a family.
    const NAMES: &'static [&'static str];

    /// Example calls with reference outputs; at least one for each name.
    fn cases() -> Vec<OpCase>;
}

/// The registration of an operator type. Use [`register_op!`](crate::register_op).
pub struct OpEntry {
    /// The names it stands for.
    pub names: &'static [&'static str],
    /// The crate that registers it.
    pub krate: &'static str,
    /// Reads an operator from its attributes.
    pub read: fn(&Attrs) -> Result<Arc<dyn Op>, serde_json::Error>,
    /// Its cases.
    pub cases: fn() -> Vec<OpCase>,
}

inventory::collect!(OpEntry);

impl OpEntry {
    /// The entry for an operator type.
    pub const fn of<T: OpDef>(krate: &'static str) -> Self {
        OpEntry {
            names: T::NAMES,
            krate,
            read: |attrs| {
                let value = serde_json::Value::Object(attrs.clone());
                // `struct X;` serialises as null and is stored without attributes.
                let op = T::deserialize(&value).or_else(|error| {
                    let unit = attrs.is_empty().then_some(serde_json::Value::Null);
                    unit.and_then(|null| T::deserialize(null).ok()).ok_or(error)
                })?;
                Ok(Arc::new(op))
            },
            cases: T::cases,
        }
    }
}

/// The crate that registers an operator.
pub(crate) fn crate_of(name: &str) -> Option<&'static str> {
    let mut entries = inventory::iter::<OpEntry>.into_iter();
    let found = entries.find(|entry| entry.names.contains(&name));
    found.map(|entry| entry.krate)
}

/// Registers an operator type that implements [`OpDef`].
#[macro_export]
macro_rules! register_op {
    ($type:ty) => {
        $crate::inventory::submit! {
            $crate::op::OpEntry::of::<$type>(env!("CARGO_PKG_NAME"))
        }
    };
}

/// Why an operator could not be read back or registered.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// No crate in this binary registers the name.
    #[error("unknown operator `{name}`{}", nearest::hint(.nearest))]
    Unknown {
        /// The name.
        name: String,
        /// The registered name that is closest.
        nearest: Option<String>,
    },
    /// The attributes are not those of the operator.
    #[error("operator `{name}`: {message}")]
    Attrs {
        /// The operator.
        name: String,
        /// What is wrong with the attributes.
        message: String,
    },
    /// Two crates register one name.
    #[error("operator `{name}` is registered twice, by `{first}` and by `{second}`; remove one")]
    Duplicate {
        /// The name.
        name: &'static str,
        /// One crate.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// All operators that the crates of this binary register, by name.
pub struct OpRegistry {
    entries: BTreeMap<&'static str, &'static OpEntry>,
}

impl OpRegistry {
    /// Collects the registered operators.
    ///
    /// # Errors
    /// When two entries have the same name.
    pub fn collect() -> Result<Self, OpError> {
        let mut entries: BTreeMap<&'static str, &'static OpEntry> = BTreeMap::new();
        for entry in inventory::iter::<OpEntry> {
            for &name in entry.names {
                if let Some(other) = entries.insert(name, entry) {
                    let mut crates = [other.krate, entry.krate];
                    crates.sort_unstable();
                    return Err(OpError::Duplicate {
                        name,
                        first: crates[0],
                        second: crates[1],
                    });
                }
            }
        }
        Ok(OpRegistry { entries })
    }

    /// Reads an operator from its name and attributes.
    ///
    /// # Errors
    /// When the name is unknown or the attributes do not fit.
    pub fn read(&self, name: &str, attrs: &Attrs) -> Result<Arc<dyn Op>, OpError> {
        let entry = self.entries.get(name).ok_or_else(|| OpError::Unknown {
            name: name.to_owned(),
            nearest: nearest::nearest(name, self.entries.keys().copied()),
        })?;
        let fail = |message: String| OpError::Attrs {
            name: name.to_owned(),
            message,
        };
        let op = (entry.read)(attrs).map_err(|e| fail(e.to_string()))?;
        if op.name() == name {
            Ok(op)
        } else {
            Err(fail(format!("its attributes are those of `{}`", op.name())))
        }
    }

    /// Registered names with their entries, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static OpEntry)> + '_ {
        self.entries.iter().map(|(name, entry)| (*name, *entry))
    }

    /// Every case of every operator, sorted by id.
    pub fn cases(&self) -> Vec<OpCase> {
        let mut cases: Vec<OpCase> = self
            .entries
            .iter()
            .flat_map(|(name, entry)| {
                (entry.cases)()
                    .into_iter()
                    .filter(move |case| case.op.name() == *name)
            })
            .collect();
        cases.sort_by_key(OpCase::id);
        cases
    }
}
