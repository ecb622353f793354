//! Arithmetic.

mod binary;
mod compare;
mod reduce;
mod scan;
mod unary;
