//! Reproducible random numbers: the same seed and name give the same values on every machine,
//! whatever the number of threads.

/// A counter-based generator (SplitMix64 over a counter), keyed by a seed and a name.
///
/// Any position of the stream can be computed on its own, so that large tensors can be filled by
/// several threads with the same result.
#[derive(Clone, Debug)]
pub struct Uniform {
    key: u64,
    counter: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Uniform {
    /// The stream for a seed and a name.
    pub fn new(seed: u64, name: &str) -> Self {
        // FNV-1a, 64 bits: short, stable, and the names are not adversarial.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Uniform {
            key: mix(hash ^ mix(seed.wrapping_add(GOLDEN))),
            counter: 0,
        }
    }

    /// The 64 random bits at a position of the stream.
    #[inline]
    pub fn bits_at(&self, position: u64) -> u64 {
        mix(self
            .key
            .wrapping_add(position.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// The next value in `[0, 1)`.
    pub fn next_f64(&mut self) -> f64 {
        let bits = self.bits_at(self.counter);
        self.counter += 1;
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The next integer below `bound` (0 when the bound is 0).
    pub fn next_below(&mut self, bound: u32) -> u32 {
        let bits = self.bits_at(self.counter) >> 32;
        self.counter += 1;
        ((bits * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_fixed_for_ever() {
        // Synthetic weights and operator cases depend on these values: a change here changes both.
        let stream = Uniform::new(0, "transformer.wte.weight");
        assert_eq!(
            [stream.bits_at(0), stream.bits_at(1)],
            [stream.clone().bits_at(0), stream.bits_at(1)]
        );
        assert_ne!(stream.bits_at(0), stream.bits_at(1));
        assert_ne!(
            stream.bits_at(0),
            Uniform::new(1, "transformer.wte.weight").bits_at(0)
        );
        assert_ne!(stream.bits_at(0), Uniform::new(0, "other").bits_at(0));
    }

    #[test]
    fn values_fill_the_interval_evenly() {
        let mut stream = Uniform::new(7, "x");
        let values: Vec<f64> = (0..10_000).map(|_| stream.next_f64()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean - 0.5).abs() < 0.01, "mean {mean}");
        assert!(values.iter().all(|x| (0.0..1.0).contains(x)));
        let mut seen = [0usize; 5];
        for _ in 0..5_000 {
            seen[stream.next_below(5) as usize] += 1;
        }
        assert!(
            seen.iter().all(|&count| (900..1100).contains(&count)),
            "{seen:?}"
        );
    }
}
