//! Models as graphs of operators: the representation, its builder, and lowering for a backend.
//!
//! ```
//! use nongemm_core::dtype::DType;
//! use nongemm_core::graph::{GraphBuilder, Init};
//! use nongemm_core::shape::TensorSpec;
//! # use nongemm_core::op::{Cost, Op, OpGroup, OpTraits};
//! # use nongemm_core::shape::ShapeError;
//! # #[derive(Debug, serde::Serialize)]
//! # struct Scale { by: f64 }
//! # impl Op for Scale {
//! #     fn name(&self) -> &'static str { "scale" }
//! #     fn group(&self) -> OpGroup { OpGroup::Arithmetic }
//! #     fn traits(&self) -> OpTraits { OpTraits::NONE }
//! #     fn infer(&self, inputs: &[TensorSpec]) -> Result<Vec<TensorSpec>, ShapeError> {
//! #         Ok(vec![inputs[0].clone()])
//! #     }
//! #     fn cost(&self, inputs: &[TensorSpec], outputs: &[TensorSpec]) -> Cost {
//! #         Cost::elementwise(1, inputs, outputs)
//! #     }
//! # }
//!
//! let mut g = GraphBuilder::new(DType::F32);
//! let x = g.input("x", TensorSpec::new(DType::F32, [1, 64]))?;
//! let y = g.scope("encoder", |g| {
//!     g.param("weight", [64], Init::around(0.0, 0.1))?;
//!     g.add(Scale { by: 0.5 }, &[x])
//! })?;
//! g.output("y", y[0]);
//! let graph = g.finish();
//! assert_eq!(graph.params()[0].name, "encoder.weight");
//! assert_eq!(graph.nodes()[0].scope.as_ref(), "encoder");
//! assert_eq!(graph.parameter_count(), 64);
//! # Ok::<(), nongemm_core::graph::BuildError>(())
//! ```

mod builder;
mod ir;
mod liveness;
mod lower;
mod overwrites;

pub use builder::{BuildError, GraphBuilder};
pub use ir::{
    Composite, Constant, Graph, Init, Input, Node, Param, Piece, Source, Value, ValueInfo,
};
pub use liveness::{last_uses, peak_activation_bytes};
pub use lower::{CompositePolicy, LowerError, Unsupported, lower};
pub use overwrites::{Overwrite, overwrites};
