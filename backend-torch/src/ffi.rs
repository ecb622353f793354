//! The C interface of the shim (`shim/*.cpp`), and what turns its errors into Rust's.

use std::ffi::{CStr, c_char, c_int, c_void};

use tch::TchError;
use torch_sys::C_tensor;

/// Null, or the text of an error, to be freed with [`nongemm_free`].
pub(crate) type Status = *mut c_char;

unsafe extern "C" {
    pub(crate) fn nongemm_free(text: *mut c_char);
    pub(crate) fn nongemm_torch_version() -> *const c_char;
    pub(crate) fn nongemm_inference_begin() -> *mut c_void;
    pub(crate) fn nongemm_inference_end(guard: *mut c_void);
    pub(crate) fn nongemm_set_threads(threads: c_int) -> Status;
    pub(crate) fn nongemm_threads() -> c_int;
    pub(crate) fn nongemm_set_math(tf32: bool, deterministic: bool) -> Status;
    pub(crate) fn nongemm_load_cuda() -> Status;
    pub(crate) fn nongemm_cuda_devices(count: *mut c_int) -> Status;
    pub(crate) fn nongemm_synchronize(index: c_int) -> Status;
    pub(crate) fn nongemm_timer_new(index: c_int, steps: usize, timer: *mut *mut c_void) -> Status;
    pub(crate) fn nongemm_timer_free(timer: *mut c_void);
    pub(crate) fn nongemm_timer_mark(timer: *mut c_void, mark: usize) -> Status;
    pub(crate) fn nongemm_timer_elapsed(
        timer: *mut c_void,
        from: usize,
        to: usize,
        ns: *mut f64,
    ) -> Status;
    pub(crate) fn nongemm_reset_peak(index: c_int) -> Status;
    pub(crate) fn nongemm_peak(index: c_int, allocated: *mut u64, reserved: *mut u64) -> Status;
}

type In = *const C_tensor;
type Out = *mut *mut C_tensor;

// The operators of `shim/ops.cpp` and `shim/create.cpp`. Each leaves a new tensor in its last argument.
unsafe extern "C" {
    pub(crate) fn nongemm_binary(kind: c_int, x: In, value: f64, inplace: bool, out: Out)
    -> Status;
    pub(crate) fn nongemm_compare(kind: c_int, x: In, value: f64, out: Out) -> Status;
    pub(crate) fn nongemm_pow(x: In, exponent: f64, out: Out) -> Status;
    pub(crate) fn nongemm_clamp(x: In, min: *const f64, max: *const f64, out: Out) -> Status;
    pub(crate) fn nongemm_hardtanh(x: In, min: f64, max: f64, inplace: bool, out: Out) -> Status;
    pub(crate) fn nongemm_softplus(x: In, beta: f64, threshold: f64, out: Out) -> Status;
    pub(crate) fn nongemm_masked_fill(x: In, mask: In, value: f64, out: Out) -> Status;
    pub(crate) fn nongemm_where(condition: In, x: In, other: f64, out: Out) -> Status;
    pub(crate) fn nongemm_clone(x: In, out: Out) -> Status;
    pub(crate) fn nongemm_is_nonzero(x: In, out: Out) -> Status;
    pub(crate) fn nongemm_full(
        size: *const i64,
        rank: usize,
        value: f64,
        dtype: c_int,
        device: c_int,
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
    let message = unsafe {
        let message = CStr::from_ptr(status).to_string_lossy().into_owned();
        nongemm_free(status);
        message
    };
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

/// libtorch's messages go on for pages; what went wrong is in the first lines.
fn first_paragraph(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let lines = lines.skip_while(|line| line.is_empty());
    let message = |line: &&str| !line.is_empty() && !line.starts_with("Exception raised from");
    let kept: Vec<&str> = lines.take_while(message).take(6).collect();
    kept.join(" ")
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
