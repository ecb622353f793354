//! Finding plugins by id.

use super::nearest;

/// Something that can be registered and found by an id.
pub trait Plugin {
    /// What the plugins of this kind are called in messages: "model", "backend", ...
    const KIND: &'static str;

    /// The plugin's id, in kebab-case.
    fn plugin_id(&self) -> &'static str;
}

/// A registered plugin. Use [`register!`](crate::register) to make one.
pub struct Registered<T: ?Sized + 'static> {
    /// The plugin.
    pub plugin: &'static T,
    /// The crate that registers it.
    pub krate: &'static str,
}

/// Registers a plugin: `register!(dyn Model, &MY_MODEL);`.
#[macro_export]
macro_rules! register {
    ($kind:ty, $plugin:expr) => {
        $crate::inventory::submit! {
            $crate::plugin::Registered::<$kind> { plugin: $plugin, krate: env!("CARGO_PKG_NAME") }
        }
    };
}

/// Why a plugin could not be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No crate in this binary registers the id.
    #[error("unknown {kind} `{id}`{} (`nongemm list {kind}s` shows all)", nearest::hint(.nearest))]
    Unknown {
        /// Kind of plugin.
        kind: &'static str,
        /// The id.
        id: String,
        /// The registered id that is closest.
        nearest: Option<String>,
    },
    /// Two crates register the same id.
    #[error("{kind} `{id}` is registered twice, by `{first}` and by `{second}`; remove one")]
    Duplicate {
        /// Kind of plugin.
        kind: &'static str,
        /// The id.
        id: &'static str,
        /// One crate.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// All plugins of one kind in this binary, sorted by id.
pub struct Registry<T: ?Sized + 'static> {
    entries: Vec<&'static Registered<T>>,
}

impl<T: ?Sized + Plugin + 'static> Registry<T>
where
    Registered<T>: inventory::Collect,
{
    /// Collects the registered plugins.
    ///
    /// # Errors
    /// When two crates register the same id.
    pub fn collect() -> Result<Self, RegistryError> {
        Registry::from_entries(inventory::iter::<Registered<T>>.into_iter().collect())
    }
}

impl<T: ?Sized + Plugin + 'static> Registry<T> {
    fn from_entries(mut entries: Vec<&'static Registered<T>>) -> Result<Self, RegistryError> {
        entries.sort_by_key(|entry| (entry.plugin.plugin_id(), entry.krate));
        for pair in entries.windows(2) {
            if pair[0].plugin.plugin_id() == pair[1].plugin.plugin_id() {
                return Err(RegistryError::Duplicate {
                    kind: T::KIND,
                    id: pair[0].plugin.plugin_id(),
                    first: pair[0].krate,
                    second: pair[1].krate,
                });
            }
        }
        Ok(Registry { entries })
    }

    /// The plugin with this id.
    ///
    /// # Errors
    /// When there is none; the error suggests the nearest id.
    pub fn get(&self, id: &str) -> Result<&'static T, RegistryError> {
        self.find(id).map(|entry| entry.plugin)
    }

    /// The plugin with this id, and the crate that registers it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn find(&self, id: &str) -> Result<&'static Registered<T>, RegistryError> {
        self.entries
            .iter()
            .find(|entry| entry.plugin.plugin_id() == id)
            .copied()
            .ok_or_else(|| RegistryError::Unknown {
                kind: T::KIND,
                id: id.to_owned(),
                nearest: nearest::nearest(id, self.ids()),
            })
    }

    /// Plugins with the crates that register them, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &'static Registered<T>> + '_ {
        self.entries.iter().copied()
    }

    /// All ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.entries.iter().map(|entry| entry.plugin.plugin_id())
    }
}

/// Implements [`Plugin`] for a trait object and collects its registrations.
macro_rules! plugin_kind {
    ($trait:ident, $kind:literal) => {
        impl $crate::plugin::Plugin for dyn $trait {
            const KIND: &'static str = $kind;

            fn plugin_id(&self) -> &'static str {
                self.id()
            }
        }

        inventory::collect!($crate::plugin::Registered<dyn $trait>);
    };
}
pub(crate) use plugin_kind;

#[cfg(test)]
mod tests {
    use super::*;

    trait Shape: Sync {
        fn id(&self) -> &'static str;
    }
    struct Named(&'static str);
    impl Shape for Named {
        fn id(&self) -> &'static str {
            self.0
        }
    }
    impl Plugin for dyn Shape {
        const KIND: &'static str = "shape";
        fn plugin_id(&self) -> &'static str {
            self.id()
        }
    }
    static ROUND: Registered<dyn Shape> = Registered {
        plugin: &Named("round"),
        krate: "b",
    };
    static FLAT: Registered<dyn Shape> = Registered {
        plugin: &Named("flat"),
        krate: "a",
    };
    static ROUND_TOO: Registered<dyn Shape> = Registered {
        plugin: &Named("round"),
        krate: "a",
    };

    #[test]
    fn sorted_and_found_by_id() {
        let registry = Registry::from_entries(vec![&ROUND, &FLAT]).unwrap();
        assert_eq!(registry.ids().collect::<Vec<_>>(), ["flat", "round"]);
        assert_eq!(registry.get("flat").unwrap().id(), "flat");
        let error = registry.get("roundd").map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown shape `roundd`; did you mean `round`? (`nongemm list shapes` shows all)"
        );
    }

    #[test]
    fn a_duplicate_names_both_crates() {
        let error = Registry::from_entries(vec![&ROUND, &ROUND_TOO])
            .map(|_| ())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "shape `round` is registered twice, by `a` and by `b`; remove one"
        );
    }
}
