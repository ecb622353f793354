//! The C interface of the shim (`shim/*.cpp`), and what turns its errors into Rust's.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;

use anyhow::Context;
use tch::TchError;
use torch_sys::C_tensor;

/// Null, or the text of an error, to be freed with [`nongemm_free`].
pub(crate) type Status = *mut c_char;

/// Marks a step's start or end on the device.
pub(crate) type Mark = extern "C" fn(*mut c_void, u32, bool);

/// A traced run; called once, fills as many outputs as it is told.
pub(crate) type Body = extern "C" fn(*mut c_void, *mut *mut C_tensor, usize) -> bool;

/// `NongemmHooks` of `shim/recording.cpp`.
#[repr(C)]
pub(crate) struct Hooks {
    pub(crate) context: *mut c_void,
    pub(crate) now: extern "C" fn(*mut c_void) -> u64,
    pub(crate) push: extern "C" fn(*mut c_void, u32, u64, u64),
    pub(crate) mark: Option<Mark>,
}

unsafe extern "C" {
    pub(crate) fn nongemm_free(text: *mut c_char);
    pub(crate) fn nongemm_library_path() -> *mut c_char;
    pub(crate) fn nongemm_torch_version() -> *const c_char;
    pub(crate) fn nongemm_compiled_release() -> u64;
    pub(crate) fn nongemm_loaded_release() -> u64;
    pub(crate) fn nongemm_inference_begin() -> *mut c_void;
    pub(crate) fn nongemm_inference_end(guard: *mut c_void);
    pub(crate) fn nongemm_set_threads(threads: c_int) -> Status;
    pub(crate) fn nongemm_threads() -> c_int;
    pub(crate) fn nongemm_set_math(tf32: bool) -> Status;
    pub(crate) fn nongemm_modes(cuda: bool, modes: *mut *mut c_char) -> Status;
    pub(crate) fn nongemm_load_cuda() -> Status;
    pub(crate) fn nongemm_cuda_devices(count: *mut c_int) -> Status;
    pub(crate) fn nongemm_synchronize(index: c_int) -> Status;
    pub(crate) fn nongemm_events_new(
        index: c_int,
        count: usize,
        events: *mut *mut c_void,
    ) -> Status;
    pub(crate) fn nongemm_events_free(events: *mut c_void);
    pub(crate) fn nongemm_events_mark(events: *mut c_void, mark: usize) -> Status;
    pub(crate) fn nongemm_events_elapsed(
        events: *mut c_void,
        from: usize,
        to: usize,
        ns: *mut f64,
    ) -> Status;
    pub(crate) fn nongemm_calls_new() -> *mut c_void;
    pub(crate) fn nongemm_calls_free(calls: *mut c_void);
    pub(crate) fn nongemm_calls_count(calls: *mut c_void) -> usize;
    pub(crate) fn nongemm_call_name(calls: *mut c_void, index: usize) -> *const c_char;
    pub(crate) fn nongemm_call_detail(calls: *mut c_void, index: usize) -> *const c_char;
    pub(crate) fn nongemm_recording_begin(
        calls: *mut c_void,
        hooks: *const Hooks,
        recording: *mut *mut c_void,
    ) -> Status;
    pub(crate) fn nongemm_recording_end(recording: *mut c_void) -> Status;
    pub(crate) fn nongemm_trace(
        inputs: *const *const C_tensor,
        inputs_count: usize,
        body: Body,
        context: *mut c_void,
        outputs_count: usize,
        program: *mut *mut c_void,
    ) -> Status;
    pub(crate) fn nongemm_trace_enter(scope: *const c_char);
    pub(crate) fn nongemm_trace_leave();
    pub(crate) fn nongemm_program_load(
        path: *const c_char,
        device: *const c_char,
        program: *mut *mut c_void,
    ) -> Status;
    pub(crate) fn nongemm_program_call(
        name: *const c_char,
        attributes: *const c_char,
        tensors: usize,
        program: *mut *mut c_void,
    ) -> Status;
    pub(crate) fn nongemm_program_save(program: *mut c_void, path: *const c_char) -> Status;
    pub(crate) fn nongemm_program_free(program: *mut c_void);
    pub(crate) fn nongemm_program_optimize(program: *mut c_void, level: c_int) -> Status;
    pub(crate) fn nongemm_executor_optimize(on: bool);
    pub(crate) fn nongemm_program_inputs(program: *mut c_void, names: *mut *mut c_char) -> Status;
    pub(crate) fn nongemm_program_run(
        program: *mut c_void,
        inputs: *const *const C_tensor,
        count: usize,
    ) -> Status;
    pub(crate) fn nongemm_program_plan(program: *mut c_void) -> Status;
    pub(crate) fn nongemm_program_steps(
        program: *mut c_void,
        inputs: *const *const C_tensor,
        count: usize,
        calls: *mut c_void,
        hooks: *const Hooks,
    ) -> Status;
    pub(crate) fn nongemm_program_scopes(program: *mut c_void, scopes: *mut *mut c_char) -> Status;
    pub(crate) fn nongemm_program_outputs(program: *mut c_void) -> usize;
    pub(crate) fn nongemm_program_output(program: *mut c_void, index: usize) -> *mut C_tensor;
    pub(crate) fn nongemm_program_output_name(program: *mut c_void, index: usize) -> *const c_char;
    pub(crate) fn nongemm_executed_nodes(nodes: *mut *mut c_char) -> Status;
    pub(crate) fn nongemm_program_nodes(program: *mut c_void, nodes: *mut *mut c_char) -> Status;
    pub(crate) fn nongemm_package_load(
        path: *const c_char,
        device_index: c_int,
        package: *mut *mut c_void,
    ) -> Status;
    pub(crate) fn nongemm_package_free(package: *mut c_void);
    pub(crate) fn nongemm_package_run(
        package: *mut c_void,
        inputs: *const *const C_tensor,
        count: usize,
    ) -> Status;
    pub(crate) fn nongemm_package_outputs(package: *mut c_void) -> usize;
    pub(crate) fn nongemm_package_output(package: *mut c_void, index: usize) -> *mut C_tensor;
    pub(crate) fn nongemm_reset_peak(index: c_int) -> Status;
    pub(crate) fn nongemm_peak(index: c_int, allocated: *mut u64, reserved: *mut u64) -> Status;
}

type In = *const C_tensor;
type Out = *mut *mut C_tensor;

// The operators of `shim/ops.cpp`, `create.cpp`, `regions.cpp` and `masks.cpp`. Each leaves a new tensor in its last argument.
unsafe extern "C" {
    pub(crate) fn nongemm_binary(kind: c_int, x: In, value: f64, inplace: bool, out: Out)
    -> Status;
    pub(crate) fn nongemm_compare(kind: c_int, x: In, value: f64, out: Out) -> Status;
    pub(crate) fn nongemm_pow(x: In, exponent: f64, out: Out) -> Status;
    pub(crate) fn nongemm_pow_base(base: f64, exponents: In, out: Out) -> Status;
    pub(crate) fn nongemm_clamp(x: In, min: *const f64, max: *const f64, out: Out) -> Status;
    pub(crate) fn nongemm_vector_norm(
        x: In,
        ord: f64,
        dims: *const i64,
        count: usize,
        keepdim: bool,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_hardtanh(x: In, min: f64, max: f64, inplace: bool, out: Out) -> Status;
    pub(crate) fn nongemm_softplus(x: In, beta: f64, threshold: f64, out: Out) -> Status;
    pub(crate) fn nongemm_masked_fill(x: In, mask: In, value: f64, out: Out) -> Status;
    pub(crate) fn nongemm_where(condition: In, x: In, other: f64, out: Out) -> Status;
    pub(crate) fn nongemm_clone(x: In, out: Out) -> Status;
    pub(crate) fn nongemm_bits(both: bool, x: In, y: In, out: Out) -> Status;
    pub(crate) fn nongemm_fill(x: In, value: f64, out: Out) -> Status;
    pub(crate) fn nongemm_copy_into(
        part: In,
        source: In,
        whole: In,
        dim: i64,
        index: i64,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_upsample(
        x: In,
        bilinear: bool,
        align_corners: bool,
        size: *const i64,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_is_nonzero(x: In, out: Out) -> Status;
    pub(crate) fn nongemm_item(x: In, out: Out) -> Status;
    pub(crate) fn nongemm_full(
        size: *const i64,
        rank: usize,
        value: f64,
        dtype: c_int,
        device: c_int,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_new_full(
        x: In,
        size: *const i64,
        rank: usize,
        value: f64,
        dtype: c_int,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_full_like(x: In, value: f64, dtype: c_int, out: Out) -> Status;
    pub(crate) fn nongemm_zeros_like(x: In, dtype: c_int, out: Out) -> Status;
    pub(crate) fn nongemm_nms(boxes: In, scores: In, threshold: f64, out: Out) -> Status;
    pub(crate) fn nongemm_roi_align(
        features: In,
        regions: In,
        scale: f64,
        height: i64,
        width: i64,
        ratio: i64,
        aligned: bool,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_paste_masks(
        masks: In,
        boxes: In,
        height: i64,
        width: i64,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_written(
        size: *const i64,
        rank: usize,
        value: f64,
        dtype: c_int,
        device: c_int,
        out: Out,
    ) -> Status;
    pub(crate) fn nongemm_written_from(elements: *const C_tensor, out: Out) -> Status;
    pub(crate) fn nongemm_arange(
        start: i64,
        end: i64,
        step: i64,
        dtype: c_int,
        device: c_int,
        out: Out,
    ) -> Status;
}

/// The result of a call of the shim.
///
/// # Safety
/// `status` was returned by the shim and is used once.
pub(crate) unsafe fn checked(status: Status) -> anyhow::Result<()> {
    if status.is_null() {
        return Ok(());
    }
    // SAFETY: a status that is not null is a text allocated by the shim, and ours to free.
    let message = unsafe { owned(status) };
    Err(anyhow::anyhow!("{}", first_paragraph(&message)))
}

/// An error of tch as one of ours: what libtorch says, without the places in its code.
#[cold]
pub(crate) fn said(error: TchError) -> anyhow::Error {
    match error {
        TchError::Torch(message) => anyhow::anyhow!("{}", first_paragraph(&message)),
        other => other.into(),
    }
}

/// A text that the shim allocated; frees it.
///
/// # Safety
/// `text` was returned by the shim, is not null and is used once.
pub(crate) unsafe fn owned(text: *mut c_char) -> String {
    // SAFETY: by the contract above.
    unsafe {
        let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
        nongemm_free(text);
        copy
    }
}

/// A path as the shim takes it.
pub(crate) fn c_path(path: &Path) -> anyhow::Result<CString> {
    CString::new(path.as_os_str().as_encoded_bytes())
        .with_context(|| format!("{} holds a zero byte", path.display()))
}

/// Gives the ownership of a tensor's handle to the shim.
pub(crate) fn release(tensor: tch::Tensor) -> *mut C_tensor {
    let mut tensor = std::mem::ManuallyDrop::new(tensor);
    tensor.as_mut_ptr()
}

/// libtorch's messages go on for pages; what went wrong is in the first lines.
fn first_paragraph(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let lines = lines.skip_while(|line| line.is_empty());
    let message = |line: &&str| !line.is_empty() && !line.starts_with("Exception raised from");
    let kept: Vec<&str> = lines.take_while(message).take(6).collect();
    let mut kept = kept.join(" ");
    // What follows is a list of all backends there are, and whom to ask at a company.
    if let Some(end) = kept.find(" This could be because the operator doesn't exist") {
        kept.truncate(end);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line() {
        let long = "\nexpected 2 sizes,\n got 3\n\nSee the manual.\n";
        assert_eq!(first_paragraph(long), "expected 2 sizes, got 3");
        let located = "out of range\nException raised from f at x.cpp:1\nframe #0: f + 0x9d\n";
        assert_eq!(first_paragraph(located), "out of range");
    }
}
