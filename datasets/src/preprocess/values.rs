//! Values of a configuration by name, checked; those that nothing asked for are found in the end.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::recipe::Rule;

/// The longest side of a photograph.
const LONGEST: u64 = 1 << 16;

/// The values that were not taken yet. `null` is as good as nothing.
pub(crate) struct Values(pub(crate) Map<String, Value>);

/// A size: a number whose meaning depends on the processor, or a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Number(usize),
    Rule(Rule),
}

impl Values {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => bail!("`{name}` must be a name"),
        }
    }

    pub(crate) fn flag(&mut self, name: &str, default: bool) -> Result<bool> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => bail!("`{name}` must be true or false"),
        }
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>> {
        let value = self.take(name);
        let number = value.map(|value| {
            let number = value.as_f64().filter(|number| number.is_finite());
            number.with_context(|| format!("`{name}` must be a number"))
        });
        number.transpose()
    }

    pub(crate) fn whole(&mut self, name: &str) -> Result<Option<usize>> {
        let whole = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let taken = self.take(name);
        let number = taken.map(|value| {
            let number = whole(&value).filter(|number| *number as u64 <= LONGEST);
            number.with_context(|| format!("`{name}` must be a number from 0 to {LONGEST}"))
        });
        number.transpose()
    }

    /// One number for each channel; a single one is that of all.
    pub(crate) fn channels(&mut self, name: &str, default: [f64; 3]) -> Result<[f64; 3]> {
        let value = match self.take(name) {
            None => return Ok(default),
            Some(value) => value,
        };
        let numbers: Option<Vec<f64>> = match &value {
            Value::Array(values) => values.iter().map(Value::as_f64).collect(),
            value => value.as_f64().map(|number| vec![number; 3]),
        };
        let numbers = numbers.and_then(|numbers| <[f64; 3]>::try_from(numbers).ok());
        numbers.with_context(|| format!("`{name}` must be three numbers or one"))
    }

    /// Height and width, or a number for both.
    pub(crate) fn sides(&mut self, name: &str) -> Result<Option<[usize; 2]>> {
        match self.size(name)? {
            None => Ok(None),
            Some(Size::Number(side)) => Ok(Some([side; 2])),
            Some(Size::Rule(Rule::Exact(sides))) => Ok(Some(sides)),
            Some(Size::Rule(_)) => bail!("`{name}` must have height and width"),
        }
    }

    pub(crate) fn size(&mut self, name: &str) -> Result<Option<Size>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let size = size(&value).with_context(|| {
            format!(
                "`{name}` must be a number, or height and width, shortest_edge and longest_edge, or max_height \
                 and max_width, each from 1 to {LONGEST}"
            )
        });
        size.map(Some)
    }

    /// Checks that nothing is left that would have to be done, but for what is `elsewhere`.
    pub(crate) fn finish(self, elsewhere: &[&str]) -> Result<()> {
        let mut left = self.0.iter().filter(|(name, value)| {
            let is_first = value.as_str() == Some("channels_first");
            let says_nothing = value.is_null() || **value == Value::Bool(false) || is_first;
            !says_nothing && !elsewhere.contains(&name.as_str())
        });
        match left.next() {
            None => Ok(()),
            Some((name, _)) => bail!(
                "`{}` is not known; --set preprocessor=model takes the model's own",
                name.escape_debug()
            ),
        }
    }
}

fn size(value: &Value) -> Option<Size> {
    let side = |value: &Value| {
        let side = value.as_u64().filter(|side| (1..=LONGEST).contains(side))?;
        usize::try_from(side).ok()
    };
    let values = match value {
        Value::Number(_) => return side(value).map(Size::Number),
        Value::Array(sides) => {
            let [height, width] = sides.as_slice() else {
                return None;
            };
            return Some(Size::Rule(Rule::Exact([side(height)?, side(width)?])));
        }
        Value::Object(values) => values,
        _ => return None,
    };
    let given = values.iter().filter(|(_, value)| !value.is_null());
    let mut names: Vec<&str> = given.map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let of = |name: &str| values.get(name).and_then(side);
    let rule = match names.as_slice() {
        ["height", "width"] => Rule::Exact([of("height")?, of("width")?]),
        ["shortest_edge"] => Rule::Shortest(of("shortest_edge")?),
        ["longest_edge", "shortest_edge"] => Rule::Edges {
            shortest: of("shortest_edge")?,
            longest: of("longest_edge")?,
        },
        ["max_height", "max_width"] => Rule::Within([of("max_height")?, of("max_width")?]),
        _ => return None,
    };
    Some(Size::Rule(rule))
}
