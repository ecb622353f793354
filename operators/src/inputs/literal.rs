//! The literals of a call: tensors, numbers, lists, names.

use std::fmt;

use nongemm_core::dtype::DType;
use nongemm_core::shape::TensorSpec;

/// A value in a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A bare word: an element type.
    Word(String),
    List(Vec<Literal>),
    Tuple(Vec<Literal>),
    Dict(Vec<(String, Literal)>),
    /// A tensor with its strides, if it is not dense.
    Tensor(TensorSpec, Option<Vec<i64>>),
}

/// How deep values may nest.
const DEEPEST: usize = 32;

/// Reads one value that takes up the whole text.
pub(super) fn parse(text: &str) -> Result<Literal, String> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let value = reader.value()?;
    reader.space();
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(format!(
            "`{}` follows the end of the call",
            shown(reader.rest)
        ))
    }
}

fn shown(text: &str) -> String {
    text.chars().take(24).collect()
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, text: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.takes(text) {
            return Ok(());
        }
        Err(format!("expected `{text}` before `{}`", shown(self.rest)))
    }

    fn span(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (span, rest) = self.rest.split_at(end);
        self.rest = rest;
        span
    }

    fn value(&mut self) -> Result<Literal, String> {
        if self.depth == DEEPEST {
            return Err(format!("values nest deeper than {DEEPEST}"));
        }
        self.depth += 1;
        self.space();
        let value = match self.rest.chars().next() {
            Some('(') => self.items("(", ")").map(Literal::Tuple),
            Some('[') => self.items("[", "]").map(Literal::List),
            Some('{') => self.dict(),
            Some(quote @ ('\'' | '"')) => self.text(quote).map(Literal::Text),
            Some(c) if c.is_ascii_digit() || "+-.".contains(c) => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.word(),
            _ => Err(format!("expected a value before `{}`", shown(self.rest))),
        }?;
        self.depth -= 1;
        Ok(value)
    }

    fn items(&mut self, open: &str, close: &str) -> Result<Vec<Literal>, String> {
        self.expect(open)?;
        let mut items = Vec::new();
        while !self.takes(close) {
            if !items.is_empty() {
                self.expect(",")?;
                if self.takes(close) {
                    break;
                }
            }
            items.push(self.value()?);
        }
        Ok(items)
    }

    fn dict(&mut self) -> Result<Literal, String> {
        self.expect("{")?;
        let mut items = Vec::new();
        while !self.takes("}") {
            if !items.is_empty() {
                self.expect(",")?;
                if self.takes("}") {
                    break;
                }
            }
            self.space();
            let quote = self.rest.chars().next().filter(|c| "'\"".contains(*c));
            let key = self.text(quote.ok_or("the keys of a dict are in quotes")?)?;
            self.expect(":")?;
            items.push((key, self.value()?));
        }
        Ok(Literal::Dict(items))
    }

    fn text(&mut self, quote: char) -> Result<String, String> {
        let inside = &self.rest[quote.len_utf8()..];
        let end = inside.find(quote).ok_or("a quote is not closed")?;
        self.rest = &inside[end + quote.len_utf8()..];
        Ok(inside[..end].to_owned())
    }

    fn number(&mut self) -> Result<Literal, String> {
        let text = self.span(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if let Ok(whole) = text.parse() {
            return Ok(Literal::Int(whole));
        }
        let number = text.parse().map(Literal::Float);
        number.map_err(|_| format!("`{}` is not a number", shown(text)))
    }

    fn word(&mut self) -> Result<Literal, String> {
        let word = self.span(|c| c.is_alphanumeric() || "_.".contains(c));
        match word {
            "None" => Ok(Literal::None),
            "True" => Ok(Literal::Bool(true)),
            "False" => Ok(Literal::Bool(false)),
            "inf" => Ok(Literal::Float(f64::INFINITY)),
            "nan" => Ok(Literal::Float(f64::NAN)),
            "T" => self.tensor(),
            _ if self.rest.starts_with('(') => Err(format!(
                "`{word}(..)` is no dense tensor; only T(..) can be run"
            )),
            _ => Ok(Literal::Word(word.to_owned())),
        }
    }

    fn tensor(&mut self) -> Result<Literal, String> {
        self.expect("(")?;
        let sizes = whole(self.value()?)?;
        let shape = sizes.iter().map(|size| {
            usize::try_from(*size).map_err(|_| format!("a tensor has the negative size {size}"))
        });
        let shape = shape.collect::<Result<Vec<usize>, String>>()?;
        self.expect(",")?;
        let Literal::Word(name) = self.value()? else {
            return Err("a tensor has no element type".to_owned());
        };
        let dtype = dtype(&name).ok_or_else(|| format!("unknown element type `{name}`"))?;
        let mut strides = None;
        if self.takes(",") {
            let _ = self.takes("stride=");
            strides = Some(whole(self.value()?)?);
        }
        self.expect(")")?;
        Ok(Literal::Tensor(TensorSpec::new(dtype, shape), strides))
    }
}

fn whole(value: Literal) -> Result<Vec<i64>, String> {
    let (Literal::List(items) | Literal::Tuple(items)) = value else {
        return Err("expected a list of whole numbers".to_owned());
    };
    let number = |item| match item {
        Literal::Int(number) => Ok(number),
        _ => Err("expected a list of whole numbers".to_owned()),
    };
    items.into_iter().map(number).collect()
}

/// The element type by the name that these files have for it.
pub(super) fn dtype(name: &str) -> Option<DType> {
    if name == "b8" {
        return Some(DType::Bool);
    }
    name.parse().ok().filter(|dtype| *dtype != DType::Bool)
}

/// The name that these files have for an element type.
pub(super) fn dtype_name(dtype: DType) -> &'static str {
    if dtype == DType::Bool {
        "b8"
    } else {
        dtype.name()
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: &[Literal]| {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            items.join(", ")
        };
        match self {
            Literal::None => f.write_str("None"),
            Literal::Bool(true) => f.write_str("True"),
            Literal::Bool(false) => f.write_str("False"),
            Literal::Int(number) => write!(f, "{number}"),
            Literal::Float(number) if number.is_nan() => f.write_str("nan"),
            Literal::Float(number) => write!(f, "{number:?}"),
            Literal::Text(text) => write!(f, "'{text}'"),
            Literal::Word(word) => f.write_str(word),
            Literal::List(items) => write!(f, "[{}]", list(items)),
            Literal::Tuple(items) if items.len() == 1 => write!(f, "({},)", items[0]),
            Literal::Tuple(items) => write!(f, "({})", list(items)),
            Literal::Dict(items) => {
                let items: Vec<String> = items.iter().map(|(k, v)| format!("'{k}': {v}")).collect();
                write!(f, "{{{}}}", items.join(", "))
            }
            Literal::Tensor(spec, strides) => {
                write!(f, "T({}, {}", spec.shape, dtype_name(spec.dtype))?;
                if let Some(strides) = strides {
                    let strides = strides.iter().map(|stride| Literal::Int(*stride));
                    write!(f, ", stride={}", Literal::Tuple(strides.collect()))?;
                }
                f.write_str(")")
            }
        }
    }
}
