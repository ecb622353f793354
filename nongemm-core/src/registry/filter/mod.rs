//! Filters: `group=normalization and model=gpt2 and batch=1`.
//!
//! ```text
//! or      = and ("or" and)*
//! and     = not ("and" not)*
//! not     = "not" not | "(" or ")" | key comparison value
//! comparison = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"      "~": contains
//! ```
//!
//! A filter is asked about one occurrence of an entry at a time, so that `model=gpt2 and batch=1` means
//! one place that is both; it takes the entry with the occurrences that fit.

mod error;
mod eval;
mod key;
mod lex;
mod parse;

pub use error::FilterError;
pub use parse::Filter;
