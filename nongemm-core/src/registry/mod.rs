//! The operator registry: operator calls met in models, each with everywhere that it was met.
//!
//! ```text
//! Graph (no weights), run.json  --extract-->  OperatorRegistry  --Filter-->  calls to run alone
//! ```
//!
//! Invariants: equal calls are one entry; entries are in one order whatever they were added in; merging
//! is associative, commutative and idempotent, and loses no occurrence; every shape is known.

mod check;
mod codec;
mod entry;
mod extract;
mod file;
mod filter;
mod set;

pub use check::{LARGEST_BYTES, Refused, check, read_spec};
pub use codec::{CodecError, decode, encode};
pub(crate) use entry::IR;
pub use entry::{Call, Entry, Layout, Occurrence};
pub use extract::{Extraction, Occasion, from_graph, from_record};
pub use file::{RegistryFileError, read, write};
pub use filter::{Filter, FilterError};
pub use set::OperatorRegistry;
