//! Which operator of the graph a call of ATen's is, and back.
//!
//! A form is one line: ATen's name and arguments, and the operator with the attributes that the name implies.
//!
//! ```text
//! add.Tensor(self:T, other>scalar, *, alpha=1) = add kind='add'
//! ```
//!
//! `:T` is an input, `:T?` one that may be None or left out, `:T[]` a list of all inputs. Others are attributes,
//! `>` the name of the operator's own; `?` one that may be None or left out; `=` a value that must be the
//! argument's, or its default. What follows `*` goes by name.

use nongemm_core::inventory;
use nongemm_core::op::{Attrs, OpInstance, OpRegistry};
use nongemm_core::registry::Layout;
use nongemm_core::shape::TensorSpec;
use serde_json::Value;

use super::literal::{Literal, dtype, dtype_name, parse};

/// The registration of a form, also from another crate: `inventory::submit! { AtenForm { form: ".." } }`. Several
/// forms may have one name; the first that fits counts.
pub struct AtenForm {
    /// The line.
    pub form: &'static str,
}

inventory::collect!(AtenForm);

/// A form that is not written as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("form `{form}`: {message}")]
pub struct FormError {
    /// The line.
    pub form: &'static str,
    /// What is wrong.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Input { optional: bool },
    Inputs,
    Attr { attr: String, optional: bool },
    Fixed(Literal),
}

#[derive(Clone, Debug, PartialEq)]
struct Arg {
    name: String,
    kind: Kind,
    by_name: bool,
}

/// A form, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    /// ATen's name with its overload.
    pub(super) name: String,
    /// The operator of the graph.
    pub(super) op: String,
    args: Vec<Arg>,
    implied: Vec<(String, Literal)>,
}

/// Positional arguments, and those by name.
pub(super) type Call = (Vec<Literal>, Vec<(String, Literal)>);

/// An operator with its inputs' strides.
pub(super) type Placed = (OpInstance, Option<Layout>);

/// Every registered form, by name, then as registered lines sort.
///
/// # Errors
/// For a line that is no form.
pub(super) fn forms() -> Result<Vec<Form>, FormError> {
    // Registration has no order of its own: constants before values that are free, so that the form that
    // says most is tried first.
    let mut lines: Vec<&'static str> = inventory::iter::<AtenForm>
        .into_iter()
        .map(|f| f.form)
        .collect();
    lines.sort_by_key(|line| {
        (
            std::cmp::Reverse(line.matches('=').count()),
            line.starts_with('_'),
            *line,
        )
    });
    lines.into_iter().map(form).collect()
}

fn form(line: &'static str) -> Result<Form, FormError> {
    let wrong = |message: &str| FormError {
        form: line,
        message: message.to_owned(),
    };
    let (left, right) = line
        .split_once(") = ")
        .ok_or_else(|| wrong("has no `) = `"))?;
    let (name, args) = left.split_once('(').ok_or_else(|| wrong("has no `(`"))?;
    let mut words = right.split(' ');
    let op = words.next().unwrap_or_default().to_owned();
    // A list is the one value with a blank in it.
    let implied = right[op.len()..].trim().replace(", ", ",");
    let implied = implied
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| wrong("implies no value"))?;
            Ok((name.to_owned(), parse(value).map_err(|e| wrong(&e))?))
        });
    let mut by_name = false;
    let mut list = Vec::new();
    for text in args.split(", ").map(str::to_owned).fold(Vec::new(), joined) {
        if text == "*" {
            by_name = true;
        } else if !text.is_empty() {
            list.push(arg(&text, by_name).map_err(|e| wrong(&e))?);
        }
    }
    Ok(Form {
        name: name.to_owned(),
        op,
        args: list,
        implied: implied.collect::<Result<_, FormError>>()?,
    })
}

/// Puts the elements of a list, which a comma has torn apart, together again.
fn joined(mut parts: Vec<String>, next: String) -> Vec<String> {
    match parts.last_mut() {
        Some(last) if last.contains('[') && !last.contains("T[") && !last.contains(']') => {
            last.push_str(", ");
            last.push_str(&next);
        }
        _ => parts.push(next),
    }
    parts
}

fn arg(text: &str, by_name: bool) -> Result<Arg, String> {
    let attr = |attr: &str, optional| Kind::Attr {
        attr: attr.to_owned(),
        optional,
    };
    let (name, kind) = if let Some((name, value)) = text.split_once('=') {
        (name, Kind::Fixed(parse(value)?))
    } else if let Some(name) = text.strip_suffix(":T[]") {
        (name, Kind::Inputs)
    } else if let Some(name) = text.strip_suffix(":T?") {
        (name, Kind::Input { optional: true })
    } else if let Some(name) = text.strip_suffix(":T") {
        (name, Kind::Input { optional: false })
    } else if let Some((name, to)) = text.split_once('>') {
        (name, attr(to, false))
    } else if let Some(name) = text.strip_suffix('?') {
        (name, attr(name, true))
    } else {
        (text, attr(text, false))
    };
    Ok(Arg {
        name: name.to_owned(),
        kind,
        by_name,
    })
}

impl Form {
    /// The operator that a call is.
    pub(super) fn read(&self, call: &Call, ops: &OpRegistry) -> Result<Placed, String> {
        let (positional, named) = call;
        let mut positional = positional.iter();
        let mut attrs = Attrs::new();
        let (mut inputs, mut strides) = (Vec::new(), Vec::new());
        for arg in &self.args {
            let by_name = named.iter().find(|(name, _)| *name == arg.name);
            let place = if arg.by_name { None } else { positional.next() };
            let given = place.or(by_name.map(|(_, value)| value));
            match (&arg.kind, given) {
                (Kind::Input { .. }, Some(Literal::Tensor(spec, stride))) => {
                    inputs.push(spec.clone());
                    strides.push(stride.clone());
                }
                (
                    Kind::Input { optional: true } | Kind::Attr { optional: true, .. },
                    None | Some(Literal::None),
                )
                | (Kind::Fixed(_), None) => {}
                (Kind::Inputs, Some(Literal::List(items) | Literal::Tuple(items))) => {
                    for item in items {
                        let Literal::Tensor(spec, stride) = item else {
                            return Err(format!("`{}` is not a list of tensors", arg.name));
                        };
                        inputs.push(spec.clone());
                        strides.push(stride.clone());
                    }
                }
                (Kind::Attr { attr, .. }, Some(value)) => {
                    attrs.insert(attr.clone(), data(value)?);
                }
                (Kind::Fixed(value), Some(given)) if same(value, given) => {}
                (Kind::Fixed(value), Some(given)) => {
                    return Err(format!(
                        "`{}` is {given}; only {value} can be run",
                        arg.name
                    ));
                }
                (_, Some(given)) => return Err(format!("`{}` cannot be {given}", arg.name)),
                (_, None) => return Err(format!("`{}` is missing", arg.name)),
            }
        }
        if let Some(more) = positional.next() {
            return Err(format!("takes no further argument {more}"));
        }
        let unknown = named.iter().find(|(name, _)| {
            // Where and how to make the result is the flow's to say.
            !["device", "layout", "pin_memory", "memory_format"].contains(&name.as_str())
                && self.args.iter().all(|arg| arg.name != *name)
        });
        if let Some((name, value)) = unknown {
            return Err(format!("takes no argument `{name}` ({value})"));
        }
        for (name, value) in &self.implied {
            attrs.insert(name.clone(), data(value)?);
        }
        let op = ops.read(&self.op, &attrs).map_err(|e| e.to_string())?;
        op.infer(&inputs).map_err(|e| e.to_string())?;
        let layout = strides.iter().any(Option::is_some).then_some(strides);
        Ok((OpInstance::new(op.as_ref(), &inputs), layout))
    }

    /// The call that an operator is; nothing if the form has no words for it.
    pub(super) fn write(&self, (call, layout): &Placed, ops: &OpRegistry) -> Option<Call> {
        let strides = |index: usize| {
            layout
                .as_ref()
                .and_then(|all| all.get(index).cloned().flatten())
        };
        let tensor =
            |(index, spec): (usize, &TensorSpec)| Literal::Tensor(spec.clone(), strides(index));
        let mut inputs = call.inputs.iter().enumerate().map(tensor);
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        for arg in &self.args {
            let value = match &arg.kind {
                Kind::Input { optional: false } => inputs.next()?,
                Kind::Input { optional: true } => inputs.next().unwrap_or(Literal::None),
                Kind::Inputs => Literal::List(inputs.by_ref().collect()),
                Kind::Attr { attr, optional } => match call.attrs.get(attr) {
                    Some(value) => literal(attr, value)?,
                    None if *optional => Literal::None,
                    None => return None,
                },
                Kind::Fixed(_) if arg.by_name => continue,
                Kind::Fixed(value) => value.clone(),
            };
            if arg.by_name {
                named.push((arg.name.clone(), value));
            } else {
                positional.push(value);
            }
        }
        while positional.last() == Some(&Literal::None) {
            positional.pop();
        }
        let written = (positional, named);
        // What does not come back as it was is not what the call is.
        let back = self.read(&written, ops).ok()?;
        (back.0 == *call && back.1 == *layout).then_some(written)
    }
}

fn same(a: &Literal, b: &Literal) -> bool {
    match (a, b) {
        (Literal::Int(a), Literal::Float(b)) | (Literal::Float(b), Literal::Int(a)) => {
            *a as f64 == *b
        }
        (Literal::List(a) | Literal::Tuple(a), Literal::List(b) | Literal::Tuple(b)) => a == b,
        _ => a == b,
    }
}

/// A literal as an attribute's value.
fn data(value: &Literal) -> Result<Value, String> {
    Ok(match value {
        Literal::Bool(flag) => Value::from(*flag),
        Literal::Int(number) => Value::from(*number),
        Literal::Float(number) if number.is_finite() => Value::from(*number),
        Literal::Float(number) => Value::from(number.to_string()),
        Literal::Text(text) => Value::from(text.clone()),
        Literal::Word(word) => {
            dtype(word).map_or_else(|| Value::from(word.clone()), |d| Value::from(d.name()))
        }
        Literal::List(items) | Literal::Tuple(items) => {
            Value::Array(items.iter().map(data).collect::<Result<_, _>>()?)
        }
        Literal::None | Literal::Dict(_) | Literal::Tensor(..) => {
            return Err(format!("{value} is no attribute"));
        }
    })
}

/// An attribute's value as a literal.
fn literal(attr: &str, value: &Value) -> Option<Literal> {
    Some(match value {
        Value::Bool(flag) => Literal::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Literal::Int(whole),
            None => Literal::Float(number.as_f64()?),
        },
        Value::String(text) if attr == "dtype" => {
            Literal::Word(dtype_name(text.parse().ok()?).to_owned())
        }
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) => Literal::Float(number),
            Err(_) => Literal::Text(text.clone()),
        },
        Value::Array(items) => {
            let items = items.iter().map(|item| literal(attr, item));
            Literal::List(items.collect::<Option<_>>()?)
        }
        Value::Null | Value::Object(_) => return None,
    })
}
