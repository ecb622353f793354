//! A plugin: the operator `squared_relu` (Primer, So et al. 2021), the model `toy-mlp` that uses it and the
//! probe `rack`. Nothing in nongemm knows of any of them.

mod rack;
mod squared_relu;
mod toy_mlp;
