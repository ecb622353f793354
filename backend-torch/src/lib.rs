//! The libtorch flows, on the crate `tch`.
//!
//! - `torch`: the graph, node by node, as PyTorch's eager mode runs it.
//! - `torch:script`: that run traced to TorchScript, frozen and optimised.
//! - `torch:compile`: the traced program compiled ahead of time by TorchInductor.
//!
//! Invariants: a kernel makes the call that the reference's eager Python makes; it never asks which
//! model it runs in. libtorch is entered in inference mode. The CUDA half of libtorch is loaded only
//! when a CUDA device is asked for.
//!
//! # Linking
//!
//! Flows and kernels register themselves in binaries that link this crate: every hop needs a
//! `use nongemm_torch as _;`. A third crate adds kernels for its own operators with
//! [`register_kernel!`]. A binary needs libtorch on its run path; this crate's build script hands the
//! folder to the build scripts of crates that depend on it, as `DEP_NONGEMM_TORCH_LIBTORCH_LIB`.

mod convert;
mod device;
mod engine;
mod ffi;
mod flows;
mod inductor;
mod kernels;
mod package;
#[cfg(test)]
mod profile;
mod program;
mod recording;

pub use engine::{Tensor, Torch, TorchKernel};
pub use flows::{Compile, Eager, Script};

#[doc(hidden)]
pub use inventory;
#[doc(hidden)]
pub use nongemm_core::kernel::KernelEntry;
