//! Empties the caches between two samples.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use nongemm_core::dtype::DType;
use nongemm_core::measure::{Clock, Mode, Recorder};
use nongemm_core::op::{OpInstance, OpRegistry};
use nongemm_core::plugin::{Backend, Device, PrepareOptions, Session};
use nongemm_core::run::alone::Alone;
use nongemm_core::shape::TensorSpec;
use nongemm_operators::CloneTensor;

/// A line of any cache is at least this long.
const LINE: usize = 64;

/// What is written over is this many times as large as the last-level cache.
const TIMES: usize = 3;

/// Where the system does not tell how large its caches are: larger than most.
const UNKNOWN_CACHE: usize = 64 << 20;

/// Bytes that are copied on a device, more than twice what the caches of any of them hold.
const DEVICE_BYTES: usize = 256 << 20;

/// Bytes of the largest cache of the first processor.
pub(crate) fn last_level_cache() -> usize {
    largest_cache(Path::new("/sys/devices/system/cpu/cpu0/cache")).unwrap_or(UNKNOWN_CACHE)
}

fn largest_cache(folder: &Path) -> Option<usize> {
    let size = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("size")).ok()?;
        let text = text.trim();
        let (number, unit) = match text.strip_suffix('M') {
            Some(number) => (number, 1 << 20),
            None => (text.strip_suffix('K')?, 1 << 10),
        };
        number.parse::<usize>().ok()?.checked_mul(unit)
    };
    let entries = fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| size(entry.ok()?)).max()
}

/// A large tensor is copied.
pub(crate) fn copy_call(elements: usize) -> OpInstance {
    OpInstance::new(&CloneTensor {}, &[TensorSpec::new(DType::F32, [elements])])
}

/// Something that fills the caches of a device with other data.
pub(crate) enum Flush {
    /// A buffer of the host.
    Host(Vec<u8>),
    /// A copy on the device.
    Device(Box<dyn Session>),
}

impl Flush {
    /// For a device.
    ///
    /// # Errors
    /// When the backend cannot copy there.
    pub(crate) fn new(
        backend: &dyn Backend,
        options: &PrepareOptions,
        ops: &OpRegistry,
    ) -> anyhow::Result<Self> {
        if options.device == Device::Cpu {
            return Ok(Flush::Host(vec![1; TIMES * last_level_cache()]));
        }
        let copy = Alone::new(&copy_call(DEVICE_BYTES / 8), ops)?;
        Ok(Flush::Device(copy.session(backend, options)?))
    }

    /// Bytes that it reads or writes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Flush::Host(buffer) => buffer.len() as u64,
            Flush::Device(_) => DEVICE_BYTES as u64,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// When the device fails.
    pub(crate) fn run(&mut self, clock: &dyn Clock) -> anyhow::Result<()> {
        match self {
            Flush::Host(buffer) => {
                for line in buffer.chunks_mut(LINE) {
                    line[0] = line[0].wrapping_add(1);
                }
                black_box(buffer);
                Ok(())
            }
            Flush::Device(session) => session.run(&mut Recorder::new(clock, Mode::Off, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_cache_counts() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(largest_cache(root.path()), None);
        for (index, size) in ["64K\n", "1024K\n", "32M\n", "what\n"].iter().enumerate() {
            let folder = root.path().join(format!("index{index}"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("size"), size).unwrap();
        }
        assert_eq!(largest_cache(root.path()), Some(32 << 20));
    }
}
