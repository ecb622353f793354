//! The system's allocator, pinned for the time of a run.
//!
//! glibc raises the size from which a buffer is mapped on its own, and the amount of free memory that it
//! keeps, with the buffers that a process happens to free first. With low ones every large activation
//! goes back to the system at its last use and is cleared, page by page, at its next: what a run takes
//! then depends on what was allocated before it. Here vit-b16 took 14% longer so, and a fifth of that
//! was spent between the operators.

/// Variables by which a user sets the allocator; it is left as it is then.
#[cfg(target_env = "gnu")]
const CHOSEN: [&str; 2] = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"];

/// Keeps freed memory in the process from now on, unless the environment sets the allocator. Returns
/// what holds, for the record.
///
/// Buffers of 32 MiB and more, the most that glibc lets one ask for, are still mapped on their own.
#[cfg(target_env = "gnu")]
pub(crate) fn pin() -> String {
    /// The greatest that `mallopt` takes on a 64-bit system.
    const MMAP_THRESHOLD: libc::c_int = 32 << 20;
    if let Some(name) = CHOSEN.iter().find(|name| std::env::var_os(name).is_some()) {
        return format!("as {name} sets it");
    }
    if std::env::var("GLIBC_TUNABLES").is_ok_and(|set| set.contains("glibc.malloc")) {
        return "as GLIBC_TUNABLES sets it".to_owned();
    }
    // SAFETY: mallopt sets numbers of the allocator; no memory of ours is touched.
    let pinned = unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD) == 1
            && libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX) == 1
    };
    if pinned {
        "keeps freed memory".to_owned()
    } else {
        "as the system sets it".to_owned()
    }
}

/// Does nothing: only glibc's allocator can be set.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn pin() -> String {
    "as the system sets it".to_owned()
}
