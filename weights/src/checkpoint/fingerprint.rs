//! A short hash that tells checkpoints apart without reading all of them.

/// FNV-1a over the header (names, types, shapes, order) and samples of the data. Two checkpoints of one
/// architecture differ in the data, and so in the samples; a change of a few values can go unnoticed.
pub(super) struct Fingerprint(u64);

/// Samples of the data.
const SAMPLES: usize = 64;

/// Bytes of one sample.
const SAMPLE: usize = 64;

impl Fingerprint {
    /// Of nothing yet.
    pub(super) fn new() -> Self {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }

    /// Adds all of `bytes`.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    }

    /// Adds samples of `bytes`, evenly spaced.
    pub(super) fn add_sparsely(&mut self, bytes: &[u8]) {
        let stride = (bytes.len() / SAMPLES).max(SAMPLE);
        for part in bytes.chunks(stride) {
            self.add(&part[..part.len().min(SAMPLE)]);
        }
    }

    /// The hash in hexadecimal.
    pub(super) fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}
