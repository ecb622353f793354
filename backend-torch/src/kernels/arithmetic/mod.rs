//! Arithmetic.

mod binary;
mod compare;
mod norm;
mod order;
mod reduce;
mod scan;
mod unary;
