//! Plugins that panic: an error that names the plugin and its crate.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::registry::{Plugin, Registered};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static ACTING: Cell<Option<Acting>> = const { Cell::new(None) };
}

/// Whether a panic of this thread becomes an error, so that a panic hook need not report it.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// The plugin that this thread calls, for the message of a panic that ends the process.
pub fn acting() -> Option<Acting> {
    ACTING.get()
}

/// A plugin that is being called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acting {
    /// Kind of plugin.
    pub kind: &'static str,
    /// Its id.
    pub id: &'static str,
    /// The crate that registers it.
    pub krate: &'static str,
}

impl fmt::Display for Acting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` of the crate {}", self.kind, self.id, self.krate)
    }
}

/// Calls foreign code.
///
/// # Errors
/// What it said when it panicked.
pub(crate) fn caught<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    result.map_err(|payload| panic_message(payload.as_ref()))
}

/// A plugin that panicked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} `{id}` of the crate {krate} panicked: {message}; this is a defect of that crate")]
pub struct Panicked {
    /// Kind of plugin.
    pub kind: &'static str,
    /// Its id.
    pub id: &'static str,
    /// The crate that registers it.
    pub krate: &'static str,
    /// What it said.
    pub message: String,
}

impl<T: ?Sized + Plugin + 'static> Registered<T> {
    /// Calls into the plugin.
    ///
    /// # Errors
    /// When it panics.
    pub fn guard<R>(&self, call: impl FnOnce(&'static T) -> R) -> Result<R, Panicked> {
        let result = caught(|| self.act(call));
        result.map_err(|message| Panicked {
            kind: T::KIND,
            id: self.plugin.plugin_id(),
            krate: self.krate,
            message,
        })
    }

    /// Calls into the plugin where nothing is left to do if it panics; whoever reports the panic knows the plugin
    /// by [`acting`].
    pub fn act<R>(&self, call: impl FnOnce(&'static T) -> R) -> R {
        let acting = Acting {
            kind: T::KIND,
            id: self.plugin.plugin_id(),
            krate: self.krate,
        };
        let _restored = Restored(ACTING.replace(Some(acting)));
        call(self.plugin)
    }
}

/// Puts the plugin that acted before back, also when a panic goes on.
struct Restored(Option<Acting>);

impl Drop for Restored {
    fn drop(&mut self) {
        ACTING.set(self.0);
    }
}

/// What a panic said, on one line.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "no message".to_owned());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbered(&'static str);

    impl Plugin for Numbered {
        const KIND: &'static str = "number";

        fn plugin_id(&self) -> &'static str {
            self.0
        }
    }

    #[test]
    fn a_panic_names_plugin_and_crate() {
        static ONE: Registered<Numbered> = Registered {
            plugin: &Numbered("one"),
            krate: "numbers",
        };
        let error = ONE.guard(|_| panic!("no\n  good")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "number `one` of the crate numbers panicked: no good; this is a defect of that crate"
        );
        assert!(!is_guarded());
        assert_eq!(ONE.guard(|plugin| plugin.0), Ok("one"));
        let named = ONE.act(|_| acting().map(|acting| acting.to_string()));
        assert_eq!(named.as_deref(), Some("number `one` of the crate numbers"));
        assert_eq!(acting(), None);
    }
}
