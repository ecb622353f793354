//! Arithmetic.

mod binary;
mod compare;
mod order;
mod reduce;
mod scan;
mod unary;
