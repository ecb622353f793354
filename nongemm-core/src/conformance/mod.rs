//! What every backend has to compute, as a library for the tests of backends (feature `conformance`).
//!
//! The operators that are linked bring the cases, and the crates that register a [`Reference`] the outputs; a case
//! of an operator of one's own can carry them itself ([`OpCase::gives`](crate::op::OpCase::gives)). A backend runs
//! all of them in three lines of a test:
//!
//! ```
//! # fn test(my_backend: &dyn nongemm_core::plugin::Backend) {
//! let report = nongemm_core::conformance::Suite::new(my_backend).report().unwrap();
//! println!("{report}");
//! report.check().unwrap();
//! # }
//! ```
//!
//! (`nongemm-operators` has PyTorch's outputs with its feature `golden`.) The author of an operator needs one:
//! `conformance::of_crate(env!("CARGO_PKG_NAME"))` runs the operators of a crate on every backend that is linked.
//!
//! The table says of each operator how many of its cases the backend supports with a kernel of its own, runs
//! decomposed, cannot run, or computes wrongly. Further checks go into other types
//! ([`Suite::in_dtype`]), compare composites with their parts ([`Suite::composites`]), or put many cases into one
//! graph ([`Suite::outputs_together`]).

mod deviation;
mod expected;
mod report;
mod suite;
mod together;

pub use expected::{Expected, Reference};
pub use report::{Report, Row, Verdict, of_crate};
pub use suite::{Failures, Run, Skip, Suite, Worst, cases, options};
pub use together::Together;
