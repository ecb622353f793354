//! Errors that point into the expression.

/// Why an expression is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("filter, column {column}: {message}")]
pub struct FilterError {
    /// The expression.
    pub expression: String,
    /// The column that is wrong, from 1, in characters.
    pub column: usize,
    /// What is wrong, and what to write.
    pub message: String,
}

impl FilterError {
    pub(super) fn at(expression: &str, byte: usize, message: impl Into<String>) -> Self {
        let before = expression.get(..byte).unwrap_or(expression);
        FilterError {
            expression: expression.to_owned(),
            column: before.chars().count() + 1,
            message: message.into(),
        }
    }

    /// The expression with a caret under the column that is wrong.
    pub fn excerpt(&self) -> String {
        let shown: String = self
            .expression
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        format!("  {shown}\n  {}^", " ".repeat(self.column - 1))
    }
}
