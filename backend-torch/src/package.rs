//! Packages of TorchInductor (`shim/package.cpp`): compiled ahead of time, run in this process.

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;

use anyhow::Context;
use nongemm_core::plugin::Device;
use torch_sys::C_tensor;

use crate::engine::Tensor;
use crate::ffi::{self, c_path, checked};

/// An AOTInductor package, loaded.
pub(crate) struct Package(*mut c_void);

impl Package {
    /// Loads a package for a device.
    ///
    /// # Errors
    /// When the file is none, or was compiled for another machine.
    pub(crate) fn load(path: &Path, device: Device) -> anyhow::Result<Self> {
        let text = c_path(path)?;
        let index = match device {
            Device::Cpu => -1,
            Device::Cuda(index) => index as c_int,
        };
        let mut package = null_mut();
        // SAFETY: the text lives through the call.
        unsafe {
            checked(ffi::nongemm_package_load(
                text.as_ptr(),
                index,
                &raw mut package,
            ))
        }
        .with_context(|| format!("{} cannot be loaded", path.display()))?;
        Ok(Package(package))
    }

    /// Runs it; the outputs stay with the package until the next run.
    pub(crate) fn run(&mut self, inputs: &[*const C_tensor]) -> anyhow::Result<()> {
        // SAFETY: the caller's tensors live through the call.
        unsafe {
            checked(ffi::nongemm_package_run(
                self.0,
                inputs.as_ptr(),
                inputs.len(),
            ))
        }
    }

    /// Outputs of the last run.
    pub(crate) fn outputs(&self) -> Vec<Tensor> {
        // SAFETY: indices are below the count; the tensors are ours.
        unsafe {
            (0..ffi::nongemm_package_outputs(self.0))
                .map(|index| ffi::nongemm_package_output(self.0, index))
                .map(|tensor| Tensor(tch::Tensor::from_ptr(tensor)))
                .collect()
        }
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // SAFETY: made by `load`, freed once.
        unsafe { ffi::nongemm_package_free(self.0) }
    }
}
