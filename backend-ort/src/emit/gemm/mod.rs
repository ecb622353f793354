//! Matrix products and convolutions.

mod convolution;
mod einsum;
mod product;
