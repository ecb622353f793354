//! One module per command.

pub(crate) mod bench;
pub(crate) mod data;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod manual;
pub(crate) mod report;
mod support;
