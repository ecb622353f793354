//! What is sped up, and how much.

use std::collections::{BTreeMap, BTreeSet};

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::nearest::{hint, nearest};
use nongemm_core::record::UNATTRIBUTED;
use serde::Serialize;

/// Before the name of an operator.
const OPERATOR: &str = "op:";

/// What gets faster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// All operators of a group.
    Group(String),
    /// All operators of a name.
    Op(String),
}

/// A target and how many times faster it gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speedup {
    /// What.
    pub target: Target,
    /// Above 0; below 1 it gets slower.
    pub factor: f64,
}

/// Why speedups cannot be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeedupError {
    /// It is not of the form.
    #[error("--speedup takes GROUP=X or op:NAME=X, got `{0}`")]
    Form(String),
    /// No such group.
    #[error("unknown group `{name}`{}", hint(nearest))]
    Group {
        /// The name.
        name: String,
        /// The known name closest to it.
        nearest: Option<String>,
    },
    /// No such operator in the runs.
    #[error("no operator `{name}` in these runs{}", hint(nearest))]
    Operator {
        /// The name.
        name: String,
        /// The known name closest to it.
        nearest: Option<String>,
    },
    /// The factor is no number above zero.
    #[error("a speedup must be a number above 0, got `{0}`")]
    Factor(String),
    /// The same target twice.
    #[error("`{0}` is given twice")]
    Twice(String),
}

/// Speedups of different targets. That of an operator goes before that of its group.
#[derive(Clone, Debug, PartialEq)]
pub struct Speedups {
    list: Vec<Speedup>,
    factors: BTreeMap<Target, f64>,
}

fn parse(text: &str) -> Result<Speedup, SpeedupError> {
    let form = || SpeedupError::Form(text.to_owned());
    // Names of operators may hold `=`; numbers do not.
    let (name, number) = text.rsplit_once('=').ok_or_else(form)?;
    let (name, number) = (name.trim(), number.trim());
    let factor: f64 = number
        .parse()
        .ok()
        .filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
        .ok_or_else(|| SpeedupError::Factor(number.to_owned()))?;
    let target = match name.strip_prefix(OPERATOR) {
        Some("") => return Err(form()),
        Some(op) => Target::Op(op.to_owned()),
        None => group(name)?,
    };
    Ok(Speedup { target, factor })
}

fn group(name: &str) -> Result<Target, SpeedupError> {
    let known = OpGroup::ALL.map(OpGroup::name);
    let mut known = known.into_iter().chain([UNATTRIBUTED]);
    if known.clone().any(|known| known == name) {
        return Ok(Target::Group(name.to_owned()));
    }
    Err(SpeedupError::Group {
        name: name.to_owned(),
        nearest: nearest(name, &mut known),
    })
}

impl Speedups {
    /// Reads `GROUP=X` and `op:NAME=X`.
    ///
    /// # Errors
    /// When one is not of that form, names an unknown group, or is no number above zero, or a target is given
    /// twice.
    pub fn parse(texts: &[String]) -> Result<Self, SpeedupError> {
        let mut speedups = Speedups {
            list: Vec::new(),
            factors: BTreeMap::new(),
        };
        for text in texts {
            let speedup = parse(text)?;
            let known = speedups
                .factors
                .insert(speedup.target.clone(), speedup.factor);
            if known.is_some() {
                let name = text
                    .rsplit_once('=')
                    .map_or(text.as_str(), |(name, _)| name);
                return Err(SpeedupError::Twice(name.to_owned()));
            }
            speedups.list.push(speedup);
        }
        Ok(speedups)
    }

    /// As they were given.
    pub fn list(&self) -> &[Speedup] {
        &self.list
    }

    /// How many times faster a group gets, if it does.
    pub fn of_group(&self, name: &str) -> Option<f64> {
        self.factors.get(&Target::Group(name.to_owned())).copied()
    }

    /// How many times faster an operator gets, if it does.
    pub fn of_operator(&self, name: &str, group: &str) -> Option<f64> {
        let own = self.factors.get(&Target::Op(name.to_owned())).copied();
        own.or_else(|| self.of_group(group))
    }

    pub(super) fn check_operators(&self, known: &BTreeSet<&str>) -> Result<(), SpeedupError> {
        for target in self.factors.keys() {
            if let Target::Op(name) = target
                && !known.contains(name.as_str())
            {
                return Err(SpeedupError::Operator {
                    name: name.clone(),
                    nearest: nearest(name, known.iter().copied()),
                });
            }
        }
        Ok(())
    }
}
