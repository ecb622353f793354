//! Element-wise arithmetic, comparisons, reductions, order.

mod binary;
mod compare;
mod order;
mod reduce;
mod unary;
