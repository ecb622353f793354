//! Formats: operator registries as files that other programs read and write.

use std::fmt;

use super::registry::plugin_kind;
use crate::op::OpRegistry;
use crate::registry::OperatorRegistry;

/// What a file gave.
#[derive(Debug, Default)]
pub struct Imported {
    /// The entries.
    pub registry: OperatorRegistry,
    /// Lines that are no entries, each with its reason.
    pub refused: Vec<RefusedLine>,
}

/// A line that was refused; the lines around it were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: usize,
    /// The operator, where that much can be read.
    pub op: Option<String>,
    /// Why.
    pub reason: String,
}

impl fmt::Display for RefusedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RefusedLine { line, op, reason } = self;
        match op {
            Some(op) if !reason.starts_with(op.as_str()) => {
                write!(f, "line {line}: {op}: {reason}")
            }
            _ => write!(f, "line {line}: {reason}"),
        }
    }
}

/// A registry as text of another program's.
#[derive(Debug, Default)]
pub struct Exported {
    /// The text.
    pub text: String,
    /// Entries that cannot be written, each with its reason.
    pub refused: Vec<String>,
}

/// A format that registries travel in.
pub trait RegistryFormat: Send + Sync {
    /// The id that users name it by.
    fn id(&self) -> &'static str;

    /// What it is, in one line.
    fn summary(&self) -> &'static str;

    /// Reads a file's text; `name` stands for the file in what was met. Bad lines are refused one by one.
    fn import(&self, name: &str, text: &str, ops: &OpRegistry) -> Imported;

    /// Writes a registry. What the format has no words for is refused one by one.
    fn export(&self, registry: &OperatorRegistry, ops: &OpRegistry) -> Exported;
}

plugin_kind!(RegistryFormat, "format");
