//! Settings given with `--set KEY=VALUE` or in a manifest.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::nearest;
use crate::graph::BuildError;

/// Key-value settings that remember which keys were asked for, so that a mistyped key is an error
/// and not silently ignored.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
    known: RefCell<BTreeSet<String>>,
}

impl Settings {
    /// Settings from their keys and values.
    pub fn new(values: BTreeMap<String, String>) -> Self {
        Settings {
            values,
            known: RefCell::default(),
        }
    }

    /// The value of `key`, parsed; `default` if it is not set.
    ///
    /// # Errors
    /// When the value does not parse.
    pub fn get<T>(&self, key: &str, default: T) -> Result<T, BuildError>
    where
        T: FromStr<Err: ToString>,
    {
        Ok(self.find(key)?.unwrap_or(default))
    }

    /// The value of `key`, parsed, if it is set.
    ///
    /// # Errors
    /// When the value does not parse.
    pub fn find<T>(&self, key: &str) -> Result<Option<T>, BuildError>
    where
        T: FromStr<Err: ToString>,
    {
        self.known.borrow_mut().insert(key.to_owned());
        let parse = |text: &String| {
            text.parse().map_err(|e: T::Err| {
                BuildError::config(format!("setting {key}={text}: {}", e.to_string()))
            })
        };
        self.values.get(key).map(parse).transpose()
    }

    /// One of a fixed list of choices; the first is the default.
    ///
    /// # Errors
    /// When the value is none of them.
    pub fn choice<'c>(&self, key: &str, choices: &[&'c str]) -> Result<&'c str, BuildError> {
        let Some(value) = self.find::<String>(key)? else {
            return Ok(choices[0]);
        };
        choices
            .iter()
            .find(|choice| **choice == value)
            .copied()
            .ok_or_else(|| {
                BuildError::config(format!(
                    "setting {key}={value}: known values are {}",
                    choices.join(", ")
                ))
            })
    }

    /// Checks that every given key was asked for by somebody.
    ///
    /// # Errors
    /// For the first key that nobody asked for, with the nearest one that somebody did.
    pub fn finish(&self) -> Result<(), BuildError> {
        let known = self.known.borrow();
        match self.values.keys().find(|key| !known.contains(*key)) {
            None => Ok(()),
            Some(key) => Err(BuildError::config(format!(
                "unknown setting `{key}`{} (known here: {})",
                nearest::hint(&nearest::nearest(key, known.iter().map(String::as_str))),
                known.iter().cloned().collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    /// Takes over the keys that were asked of a copy.
    pub fn learn(&self, copy: &Settings) {
        self.known
            .borrow_mut()
            .extend(copy.known.borrow().iter().cloned());
    }

    /// The keys that somebody asked for, sorted.
    pub fn known(&self) -> Vec<String> {
        self.known.borrow().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::new(
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn reads_defaults_and_values() {
        let s = settings(&[("layers", "2")]);
        assert_eq!(s.get("layers", 12usize), Ok(2));
        assert_eq!(s.get("heads", 12usize), Ok(12));
        assert_eq!(s.finish(), Ok(()));
    }

    #[test]
    fn a_mistyped_key_or_value_is_an_error() {
        let s = settings(&[("layrs", "2")]);
        s.get("layers", 12usize).unwrap();
        let message = s.finish().unwrap_err().to_string();
        assert!(
            message.starts_with("unknown setting `layrs`; did you mean `layers`?"),
            "{message}"
        );
        let s = settings(&[("layers", "two")]);
        assert_eq!(
            s.get("layers", 12usize).unwrap_err().to_string(),
            "setting layers=two: invalid digit found in string"
        );
        let s = settings(&[("attention", "slow")]);
        assert_eq!(
            s.choice("attention", &["eager", "sdpa"])
                .unwrap_err()
                .to_string(),
            "setting attention=slow: known values are eager, sdpa"
        );
    }
}
