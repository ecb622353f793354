//! What the tests and the examples share, those of backends too: the configurations that are compared with
//! the reference implementation, and the ways to run both.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test and example uses a part of it"
)]

pub mod case;
pub mod flow;
pub mod masks;
pub mod narrow;
pub mod nothing;
pub mod reference;
pub mod trace;

use std::path::PathBuf;

/// `models/tests/golden/NAME`, from whichever crate of the workspace.
pub fn golden(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/golden");
    PathBuf::from(folder).join(name)
}
