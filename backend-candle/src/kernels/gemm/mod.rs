//! Matrix products and convolutions.

mod conv2d;
mod linear;
mod product;
