//! What a file says, in a form that fits a one-line message, whatever it is.

use std::fmt::Write;

/// The longest name that is shown whole.
const LONGEST_NAME: usize = 120;

/// The largest rank that is shown.
const LARGEST_RANK: usize = 16;

/// A name, its control characters escaped, cut if it is very long.
pub(crate) fn name(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .take(LONGEST_NAME)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(LONGEST_NAME).is_some() {
        shown.push('…');
    }
    shown
}

/// A shape.
pub(crate) fn shape(shape: &[usize]) -> String {
    let mut shown = format!("{:?}", &shape[..shape.len().min(LARGEST_RANK)]);
    if shape.len() > LARGEST_RANK {
        let _ = write!(shown, " and {} more dimensions", shape.len() - LARGEST_RANK);
    }
    shown
}
