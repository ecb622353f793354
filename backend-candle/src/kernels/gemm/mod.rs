//! Matrix products and convolutions.

mod conv2d;
mod conv_transpose2d;
mod einsum;
mod linear;
mod product;
