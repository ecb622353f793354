//! One process at a time for each run of a results folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::store::StoreError;

/// Held while a run is carried out: no other process measures the same run into the same folder. The
/// system releases it with the process, however that ends.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    /// `None` on file systems without locks, where nothing can be held.
    file: Option<File>,
}

/// The answer to an attempt to lock a run.
#[derive(Debug)]
pub enum Locked {
    /// It is held from now on.
    Ours(RunLock),
    /// Another process holds it: who, as far as is known.
    Others(String),
}

impl RunLock {
    /// Tries to lock a run; does not wait.
    ///
    /// # Errors
    /// When the run's folder cannot be made or written.
    pub fn attempt(out: &Path, id: &str) -> Result<Locked, StoreError> {
        let path = out.join(id).join(".lock");
        let locked = attempt(&path);
        locked.map_err(|source| StoreError::Io {
            what: "write",
            path,
            source,
        })
    }
}

fn attempt(path: &Path) -> io::Result<Locked> {
    loop {
        if let Some(folder) = path.parent() {
            match fs::create_dir_all(folder) {
                // It was there, and the holder has removed it since.
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists
                        && folder.symlink_metadata().is_err() =>
                {
                    continue;
                }
                made => made?,
            }
        }
        let open = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let mut file = match open {
            // The holder has just ended and removed the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(path).unwrap_or_default();
                return Ok(Locked::Others(holder.trim().to_owned()));
            }
            Err(TryLockError::Error(_)) => {
                let path = path.to_owned();
                return Ok(Locked::Ours(RunLock { path, file: None }));
            }
        }
        // A holder removes the file when it ends: what was locked may be a file without a name.
        let same = |there: fs::Metadata, ours: fs::Metadata| {
            (there.dev(), there.ino()) == (ours.dev(), ours.ino())
        };
        if fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|ours| same(there, ours)))
        {
            // Only for the message that others show.
            let _ = file.set_len(0).and_then(|()| file.rewind());
            let _ = writeln!(file, "{}", myself());
            return Ok(Locked::Ours(RunLock {
                path: path.to_owned(),
                file: Some(file),
            }));
        }
    }
}

fn myself() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("process {} on {}", std::process::id(), host.trim())
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
        // Succeeds only where no record was written.
        if let Some(folder) = self.path.parent() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(out: &Path) -> RunLock {
        match RunLock::attempt(out, "run").unwrap() {
            Locked::Ours(lock) => lock,
            Locked::Others(who) => panic!("held by {who}"),
        }
    }

    #[test]
    fn one_holder_at_a_time_and_nothing_is_left() {
        let out = tempfile::tempdir().unwrap();
        let lock = ours(out.path());
        let Locked::Others(who) = RunLock::attempt(out.path(), "run").unwrap() else {
            panic!("two holders");
        };
        assert!(
            who.starts_with(&format!("process {} on ", std::process::id())),
            "{who}"
        );
        assert!(matches!(
            RunLock::attempt(out.path(), "other").unwrap(),
            Locked::Ours(_)
        ));
        drop(lock);
        drop(ours(out.path()));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_is_never_held_twice() {
        let out = tempfile::tempdir().unwrap();
        let holders = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Locked::Ours(lock) = RunLock::attempt(out.path(), "run").unwrap() {
                            let before = holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                            assert_eq!(before, 0);
                            holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
    }
}
