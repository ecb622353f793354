//! Allocation, layout, selection and conversion.

mod choose;
mod create;
mod index;
mod join;
mod range;
mod shape;
mod write;
