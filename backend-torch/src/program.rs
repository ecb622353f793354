//! TorchScript programs (`shim/program.cpp`): traced or read, optimised, run, written.

use std::ffi::{CStr, CString, c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;

use anyhow::Context;
use nongemm_core::interpreter::Interpreter;
use nongemm_core::op::OpInstance;
use nongemm_core::plugin::Device;
use serde::Serialize;
use torch_sys::C_tensor;

use crate::engine::{Tensor, Torch};
use crate::ffi::{self, Hooks, c_path, checked};

/// How far a program is rewritten before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optimization {
    /// As it is written.
    None,
    /// Frozen: attributes become constants, constants are folded, batch norms go into convolutions.
    Freeze,
    /// Frozen, then rewritten for the kind of machine (`torch.jit.optimize_for_inference`).
    Inference,
}

/// What an archive does not keep of a traced node.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Node {
    op: String,
    scope: String,
    /// Of each output, as it was traced; nothing where that is no tensor.
    sizes: Vec<Option<Vec<usize>>>,
}

impl Node {
    fn read(line: &str) -> Self {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (op, scope, sizes) = (next().to_owned(), next().to_owned(), next());
        let numbers = |sizes: &str| {
            let numbers = sizes.split(',').filter(|size| !size.is_empty());
            numbers.map(|size| size.parse().ok()).collect()
        };
        Node {
            op,
            scope,
            sizes: sizes.split(';').map(numbers).collect(),
        }
    }
}

/// A TorchScript module with a method `forward`.
pub(crate) struct Program(*mut c_void);

impl Program {
    /// Traces one run of an interpreter whose inputs are bound. Each traced node's scope is the index
    /// of the interpreter's step that it belongs to.
    pub(crate) fn trace(
        interpreter: &mut Interpreter<Torch>,
        inputs: &[Tensor],
    ) -> anyhow::Result<Self> {
        let outputs = interpreter.graph().outputs().len();
        let mut run = TracedRun {
            interpreter,
            error: None,
        };
        let pointers: Vec<*const C_tensor> = inputs.iter().map(|x| x.as_ptr()).collect();
        let mut program = null_mut();
        // SAFETY: all pointers are valid through the call, which calls `body` back at most once.
        let traced = unsafe {
            checked(ffi::nongemm_trace(
                pointers.as_ptr(),
                pointers.len(),
                body,
                (&raw mut run).cast(),
                outputs,
                &raw mut program,
            ))
        };
        match run.error {
            Some(error) => Err(error),
            None => traced.map(|()| Program(program)),
        }
    }

    /// Reads a TorchScript archive onto a device.
    ///
    /// # Errors
    /// When the file is none, is damaged, or needs operators that libtorch does not know.
    pub(crate) fn load(path: &Path, device: Device) -> anyhow::Result<Self> {
        let text = c_path(path)?;
        let device = CString::new(device.to_string())?;
        let mut program = null_mut();
        // SAFETY: both texts live through the call.
        unsafe {
            checked(ffi::nongemm_program_load(
                text.as_ptr(),
                device.as_ptr(),
                &raw mut program,
            ))
        }
        .with_context(|| format!("{} is no TorchScript archive", path.display()))?;
        Ok(Program(program))
    }

    /// One operator of the dispatcher by its name with its library, from what a record says of a call of it. Its
    /// tensors are the inputs.
    ///
    /// # Errors
    /// When libtorch has no such operator, or the record leaves open how it was called.
    pub(crate) fn of_call(name: &str, call: &OpInstance) -> anyhow::Result<Self> {
        let attributes: String = call
            .attrs
            .iter()
            .map(|(name, value)| format!("{name}\t{value}\n"))
            .collect();
        let (name, attributes) = (CString::new(name)?, CString::new(attributes)?);
        let mut program = null_mut();
        // SAFETY: both texts live through the call.
        unsafe {
            checked(ffi::nongemm_program_call(
                name.as_ptr(),
                attributes.as_ptr(),
                call.inputs.len(),
                &raw mut program,
            ))?;
        }
        Ok(Program(program))
    }

    /// Writes a TorchScript archive.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let text = c_path(path)?;
        // SAFETY: the handle and the text live through the call.
        unsafe { checked(ffi::nongemm_program_save(self.0, text.as_ptr())) }
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Rewrites the program.
    pub(crate) fn optimize(&mut self, optimization: Optimization) -> anyhow::Result<()> {
        // SAFETY: the handle lives as long as `self`.
        unsafe {
            ffi::nongemm_executor_optimize(optimization != Optimization::None);
            checked(ffi::nongemm_program_optimize(self.0, optimization as c_int))
        }
    }

    /// Names of the inputs of `forward`.
    pub(crate) fn inputs(&self) -> anyhow::Result<Vec<String>> {
        let mut names = null_mut();
        // SAFETY: the shim leaves a text that is ours to free.
        let names = unsafe {
            checked(ffi::nongemm_program_inputs(self.0, &raw mut names))?;
            ffi::owned(names)
        };
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// Every node, as it is written.
    pub(crate) fn nodes(&self) -> anyhow::Result<Vec<Node>> {
        let mut nodes = null_mut();
        // SAFETY: the shim leaves a text that is ours to free.
        let nodes = unsafe {
            checked(ffi::nongemm_program_nodes(self.0, &raw mut nodes))?;
            ffi::owned(nodes)
        };
        Ok(nodes.lines().map(Node::read).collect())
    }

    /// Runs it; the outputs stay with the program until the next run.
    pub(crate) fn run(&mut self, inputs: &[*const C_tensor]) -> anyhow::Result<()> {
        // SAFETY: the caller's tensors live through the call.
        unsafe {
            checked(ffi::nongemm_program_run(
                self.0,
                inputs.as_ptr(),
                inputs.len(),
            ))
        }
    }

    /// From now on it runs node by node.
    ///
    /// # Errors
    /// When it holds a construct that does not run so: its name.
    pub(crate) fn plan(&mut self) -> anyhow::Result<()> {
        // SAFETY: the handle lives as long as `self`.
        unsafe { checked(ffi::nongemm_program_plan(self.0)) }
    }

    /// Runs it node by node, after [`plan`](Self::plan): learns its calls, or measures them.
    ///
    /// # Safety
    /// The handle of the calls and the hooks live through the call.
    pub(crate) unsafe fn run_steps(
        &mut self,
        inputs: &[*const C_tensor],
        calls: *mut c_void,
        hooks: *const Hooks,
    ) -> anyhow::Result<()> {
        // SAFETY: the caller's tensors and hooks live through the call.
        unsafe {
            checked(ffi::nongemm_program_steps(
                self.0,
                inputs.as_ptr(),
                inputs.len(),
                calls,
                hooks,
            ))
        }
    }

    /// The module of each call that was learned node by node.
    pub(crate) fn scopes(&self) -> anyhow::Result<Vec<String>> {
        let mut scopes = null_mut();
        // SAFETY: the shim leaves a text that is ours to free.
        let scopes = unsafe {
            checked(ffi::nongemm_program_scopes(self.0, &raw mut scopes))?;
            ffi::owned(scopes)
        };
        Ok(scopes.lines().map(str::to_owned).collect())
    }

    /// Outputs of the last run, by their way through tuples, lists and dictionaries.
    pub(crate) fn outputs(&self) -> Vec<(String, Tensor)> {
        // SAFETY: indices are below the count; the name is copied at once and the tensor ours.
        unsafe {
            (0..ffi::nongemm_program_outputs(self.0))
                .map(|index| {
                    let name = CStr::from_ptr(ffi::nongemm_program_output_name(self.0, index));
                    let tensor = ffi::nongemm_program_output(self.0, index);
                    (
                        name.to_string_lossy().into_owned(),
                        Tensor(tch::Tensor::from_ptr(tensor)),
                    )
                })
                .collect()
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: made by the shim, freed once.
        unsafe { ffi::nongemm_program_free(self.0) }
    }
}

/// Operator and scope of every node of the program that ran last on this thread, as it was executed.
pub(crate) fn executed_nodes() -> anyhow::Result<Vec<(String, String)>> {
    let mut nodes = null_mut();
    // SAFETY: the shim leaves a text that is ours to free.
    let nodes = unsafe {
        checked(ffi::nongemm_executed_nodes(&raw mut nodes))?;
        ffi::owned(nodes)
    };
    Ok(listed(&nodes))
}

fn listed(nodes: &str) -> Vec<(String, String)> {
    let split = |line: &str| {
        let (op, scope) = line.split_once('\t').unwrap_or((line, ""));
        (op.to_owned(), scope.to_owned())
    };
    nodes.lines().map(split).collect()
}

struct TracedRun<'a> {
    interpreter: &'a mut Interpreter<Torch>,
    error: Option<anyhow::Error>,
}

impl TracedRun<'_> {
    fn run(&mut self) -> anyhow::Result<Vec<Tensor>> {
        self.interpreter.run_around(
            &mut |step| {
                // The text is plain digits.
                let scope = CString::new(step.to_string()).unwrap_or_default();
                // SAFETY: the text lives through the call; tracing is in progress on this thread.
                unsafe { ffi::nongemm_trace_enter(scope.as_ptr()) }
            },
            // SAFETY: entered above.
            &mut |_| unsafe { ffi::nongemm_trace_leave() },
        )?;
        self.interpreter.results()
    }
}

/// Called back by `nongemm_trace`.
extern "C" fn body(context: *mut c_void, outputs: *mut *mut C_tensor, count: usize) -> bool {
    // SAFETY: `context` is the run of the call in progress, `outputs` has room for `count` tensors.
    let (run, outputs) = unsafe {
        (
            &mut *context.cast::<TracedRun<'_>>(),
            std::slice::from_raw_parts_mut(outputs, count),
        )
    };
    match run.run() {
        Ok(results) => {
            for (slot, tensor) in outputs.iter_mut().zip(results) {
                *slot = ffi::release(tensor.0);
            }
            true
        }
        Err(error) => {
            run.error = Some(error);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_with_the_sizes_of_their_outputs() {
        let node = Node::read("aten::topk\t__module/12\t2,3;?;");
        assert_eq!(
            (node.op.as_str(), node.scope.as_str()),
            ("aten::topk", "__module/12")
        );
        assert_eq!(node.sizes, [Some(vec![2, 3]), None, Some(Vec::new())]);
    }
}
