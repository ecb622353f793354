//! SIGINT and SIGTERM: what was started is finished, nothing more is started.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::error::CliError;

/// Which signal asked this process to stop, if one did.
pub(crate) struct Signals {
    /// Set once one did.
    pub(crate) interrupted: Arc<AtomicBool>,
    number: Arc<AtomicI32>,
}

impl Signals {
    /// Watches from now on.
    pub(crate) fn watch() -> Result<Self, CliError> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let number = Arc::new(AtomicI32::new(0));
        for signal in [libc::SIGINT, libc::SIGTERM] {
            let (flag, number) = (interrupted.clone(), number.clone());
            let note = move || {
                number.store(signal, Ordering::Relaxed);
                flag.store(true, Ordering::Relaxed);
            };
            // SAFETY: the handler only stores to atomics, which is async-signal-safe.
            unsafe { signal_hook::low_level::register(signal, note) }.map_err(CliError::failed)?;
        }
        Ok(Signals {
            interrupted,
            number,
        })
    }

    /// Set once a signal came.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.interrupted
    }

    /// Whether a signal came.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// The number of the last signal.
    pub(crate) fn received(&self) -> Option<u8> {
        u8::try_from(self.number.load(Ordering::Relaxed))
            .ok()
            .filter(|signal| *signal != 0)
    }
}
