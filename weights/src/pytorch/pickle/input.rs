//! The instructions and arguments of a pickle, never read beyond its end.

/// The rest of a pickle.
pub(super) struct Input<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Input { all, at: 0 }
    }

    /// Bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.all.get(self.at..end));
        let taken = taken
            .ok_or_else(|| format!("truncated pickle: byte {} of {}", self.at, self.all.len()))?;
        self.at += count;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// Bytes after their number, which is itself `N` bytes long.
    pub(super) fn counted<const N: usize>(&mut self) -> Result<&'a [u8], String> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(self.take(N)?);
        let count = u64::from_le_bytes(wide);
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Text after the number of its bytes.
    pub(super) fn text<const N: usize>(&mut self) -> Result<&'a str, String> {
        text(self.counted::<N>()?)
    }

    /// Text up to the end of the line.
    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.all[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n');
        let length = length.ok_or("truncated pickle: a line does not end")?;
        let line = self.take(length)?;
        self.at += 1;
        text(line)
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a text of the pickle is not UTF-8".to_owned())
}
