//! Allocation, layout, selection and conversion.

mod choose;
mod create;
mod index;
mod join;
mod part;
mod same;
mod shape;
mod write;
