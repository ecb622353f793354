//! The system's allocator, pinned for the time of a run.
//!
//! glibc raises the size from which a buffer is mapped on its own, and the amount of free memory that it
//! keeps, with the buffers that a process happens to free first. Above them an activation goes back to
//! the system at its last use and is cleared, page by page, at its next: what a run takes then depends
//! on what was allocated before it. vit-b16 was seen to take 14% longer so, a fifth of that between the
//! operators, and segformer-b0 15%, with 30 thousand page faults in each run. Pinned is what the size ends
//! at by itself in a process that has freed one large buffer. Above it buffers stay mapped on their own:
//! kept in the heap, mask-rcnn's tear it apart and take half as much memory again.

/// Size from which glibc maps a buffer on its own when it has raised it as far as it ever does, in bytes
/// (`DEFAULT_MMAP_THRESHOLD_MAX` on 64 bits).
#[cfg(target_env = "gnu")]
const MAPPED_FROM: libc::c_int = 32 << 20;

/// Variables by which a user sets the allocator; it is left as it is then.
#[cfg(target_env = "gnu")]
const CHOSEN: [&str; 2] = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"];

/// Keeps freed memory in the process from now on, unless the environment sets the allocator. Returns
/// what holds, for the record.
#[cfg(target_env = "gnu")]
pub(crate) fn pin() -> String {
    if let Some(name) = CHOSEN.iter().find(|name| std::env::var_os(name).is_some()) {
        return format!("as {name} sets it");
    }
    if std::env::var("GLIBC_TUNABLES").is_ok_and(|set| set.contains("glibc.malloc")) {
        return "as GLIBC_TUNABLES sets it".to_owned();
    }
    // SAFETY: mallopt sets numbers of the allocator; no memory of ours is touched.
    let pinned = unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM) == 1
            && libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX) == 1
    };
    if pinned {
        "keeps freed buffers below 32 MiB".to_owned()
    } else {
        "as the system sets it".to_owned()
    }
}

/// Does nothing: only glibc's allocator can be set.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn pin() -> String {
    "as the system sets it".to_owned()
}

/// Gives memory that is free back to the system, so that one measurement does not depend on what those
/// before it left.
#[cfg(target_env = "gnu")]
pub(crate) fn trim() {
    // SAFETY: gives pages back that hold nothing.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Does nothing: only glibc's allocator can be asked.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn trim() {}
