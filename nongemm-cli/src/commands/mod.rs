//! One module per command.

pub(crate) mod bench;
pub(crate) mod compare;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod manual;
pub(crate) mod project;
pub(crate) mod records;
pub(crate) mod report;
mod support;
