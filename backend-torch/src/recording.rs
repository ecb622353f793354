//! Recorded runs: times of operators from libtorch's callbacks (`shim/recording.cpp`).

use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};

use anyhow::Context;
use nongemm_core::kernel::DeviceTimer;
use nongemm_core::measure::Recorder;
use nongemm_core::op::Attrs;
use nongemm_core::shape::TensorSpec;
use serde::Deserialize;

use crate::ffi::{self, Hooks, checked};

/// An operator that ran, as libtorch names it, with what it was given and returned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// For instance `aten::linear`.
    pub(crate) name: String,
    /// Tensor arguments, those in lists included.
    pub(crate) inputs: Vec<TensorSpec>,
    /// Tensor results.
    pub(crate) outputs: Vec<TensorSpec>,
    /// All other arguments by name.
    pub(crate) attrs: Attrs,
}

#[derive(Deserialize)]
struct Detail {
    inputs: Vec<Spec>,
    outputs: Vec<Spec>,
    attrs: Attrs,
}

#[derive(Deserialize)]
struct Spec {
    dtype: String,
    shape: Vec<usize>,
}

impl Spec {
    /// Types that nongemm has no name for are left out: a wrong one would be worse.
    fn read(specs: Vec<Spec>) -> Vec<TensorSpec> {
        let read = |spec: Spec| Some(TensorSpec::new(spec.dtype.parse().ok()?, spec.shape));
        specs.into_iter().filter_map(read).collect()
    }
}

/// The operators of a session in the order in which they run, outermost calls only.
pub(crate) struct Calls(*mut c_void);

impl Calls {
    pub(crate) fn new() -> Self {
        // SAFETY: freed once, by `drop`.
        Calls(unsafe { ffi::nongemm_calls_new() })
    }

    /// Learns the operators from one run, seen through libtorch's callbacks.
    pub(crate) fn learn(
        &mut self,
        run: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Call>> {
        self.recorded(null(), run)?;
        self.learned()
    }

    /// Learns them from a run that writes them down itself, given the handle of the calls.
    pub(crate) fn learn_from(
        &mut self,
        run: &mut dyn FnMut(*mut c_void) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Call>> {
        run(self.0)?;
        self.learned()
    }

    fn learned(&self) -> anyhow::Result<Vec<Call>> {
        // SAFETY: the handle lives as long as `self`.
        let count = unsafe { ffi::nongemm_calls_count(self.0) };
        (0..count).map(|index| self.call(index)).collect()
    }

    fn call(&self, index: usize) -> anyhow::Result<Call> {
        // SAFETY: the index is below the count; the texts live until the next recording.
        let (name, detail) = unsafe {
            (
                CStr::from_ptr(ffi::nongemm_call_name(self.0, index)),
                CStr::from_ptr(ffi::nongemm_call_detail(self.0, index)),
            )
        };
        let name = name.to_string_lossy().into_owned();
        let detail: Detail = serde_json::from_slice(detail.to_bytes())
            .with_context(|| format!("the arguments of {name}"))?;
        Ok(Call {
            name,
            inputs: Spec::read(detail.inputs),
            outputs: Spec::read(detail.outputs),
            attrs: detail.attrs,
        })
    }

    /// Times the operators of one run through libtorch's callbacks. Fails if others ran than were
    /// learned.
    pub(crate) fn time(
        &mut self,
        recorder: &mut Recorder<'_>,
        timer: Option<&mut (dyn DeviceTimer + 'static)>,
        run: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.time_from(recorder, timer, &mut |calls, hooks| {
            calls.recorded(hooks, run)
        })
    }

    /// Times them in a run that calls the hooks itself; they live through the call.
    pub(crate) fn time_from(
        &mut self,
        recorder: &mut Recorder<'_>,
        timer: Option<&mut (dyn DeviceTimer + 'static)>,
        run: &mut dyn FnMut(&mut Self, *const Hooks) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let on_device = timer.is_some();
        let mut context = HookContext {
            recorder,
            timer,
            failed: None,
        };
        let hooks = Hooks {
            context: (&raw mut context).cast(),
            now,
            push,
            mark: on_device.then_some(mark as ffi::Mark),
        };
        run(self, &raw const hooks)?;
        context.failed.map_or(Ok(()), Err)
    }

    /// The handle, for runs that write into it.
    pub(crate) fn handle(&mut self) -> *mut c_void {
        self.0
    }

    fn recorded(
        &mut self,
        hooks: *const Hooks,
        run: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut recording = null_mut();
        // SAFETY: the hooks and what they point to outlive the recording, which ends below whatever
        // the run returns.
        unsafe {
            checked(ffi::nongemm_recording_begin(
                self.0,
                hooks,
                &raw mut recording,
            ))
        }?;
        let ran = run();
        // SAFETY: begun above, ended once.
        let ended = unsafe { checked(ffi::nongemm_recording_end(recording)) };
        ran.and(ended)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once.
        unsafe { ffi::nongemm_calls_free(self.0) }
    }
}

/// What the hooks work on.
struct HookContext<'a, 'c> {
    recorder: &'a mut Recorder<'c>,
    timer: Option<&'a mut (dyn DeviceTimer + 'static)>,
    failed: Option<anyhow::Error>,
}

extern "C" fn now(context: *mut c_void) -> u64 {
    // SAFETY: the context of the recording in progress, on the thread that began it.
    unsafe { (*context.cast::<HookContext<'_, '_>>()).recorder.now() }
}

extern "C" fn push(context: *mut c_void, step: u32, start: u64, end: u64) {
    // SAFETY: as in `now`.
    let context = unsafe { &mut *context.cast::<HookContext<'_, '_>>() };
    context.recorder.push(step, start, end);
}

extern "C" fn mark(context: *mut c_void, step: u32, end: bool) {
    // SAFETY: as in `now`.
    let context = unsafe { &mut *context.cast::<HookContext<'_, '_>>() };
    let Some(timer) = &mut context.timer else {
        return;
    };
    let marked = if end {
        timer.stop(step as usize)
    } else {
        timer.start(step as usize)
    };
    if let Err(error) = marked {
        context.failed.get_or_insert(error);
    }
}
