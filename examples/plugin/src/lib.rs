//! A plugin: the operator `squared_relu` (Primer, So et al. 2021) and the model `toy-mlp` that uses it.
//! Nothing in nongemm knows of either.

mod squared_relu;
mod toy_mlp;

pub use squared_relu::SquaredRelu;
pub use toy_mlp::TOY_MLP;
