//! Operator-input files, as tritonbench and BackendBench read and write them.
//!
//! ```text
//! Operator: aten.add.Tensor
//! cnt: 12, ((T([8, 512], f16), T([512], f16)), {})
//! ```
//!
//! [`literal`] reads and writes the calls, [`form`] says which operator of the graph a call of ATen's is,
//! [`file`] does whole files. Nothing in a file is evaluated.

mod file;
mod form;
mod literal;
mod table;

pub use form::{AtenForm, FormError};
