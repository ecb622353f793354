//! Resizing of 8-bit RGB as Pillow does it.
//!
//! A crate of its own because its vector kernels take a minute to compile: it knows nothing of nongemm,
//! so that no change elsewhere compiles them again.

pub use fast_image_resize::FilterType;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{ResizeAlg, ResizeError, ResizeOptions, Resizer};

/// Why pixels could not be resized.
#[derive(Debug)]
pub enum Error {
    /// A size is 0 or above 2^32, or the pixels are fewer than it says.
    Size,
    /// The library refuses.
    Library(ResizeError),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Size => f.write_str("the pixels do not fit their size"),
            Error::Library(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// Resizes `rgb`, rows of 3-byte pixels of `from` (width, height), to `to` with a filter that is widened
/// when it shrinks (antialiasing). Rows are filtered before columns, and both round to 8 bits.
///
/// # Errors
/// When a size is impossible or the pixels do not fit it.
pub fn resize(
    rgb: &[u8],
    from: (usize, usize),
    to: (usize, usize),
    filter: FilterType,
) -> Result<Vec<u8>, Error> {
    let rows = scale(rgb, from, (to.0, from.1), filter)?;
    scale(&rows, (to.0, from.1), to, filter)
}

fn scale(
    rgb: &[u8],
    from: (usize, usize),
    to: (usize, usize),
    filter: FilterType,
) -> Result<Vec<u8>, Error> {
    let size = |size: usize| u32::try_from(size).map_err(|_| Error::Size);
    let length = to.0.checked_mul(to.1).and_then(|n| n.checked_mul(3));
    let mut resized = vec![0; length.ok_or(Error::Size)?];
    // Typed, so that only this type of pixel is compiled.
    let source = TypedImageRef::<U8x3>::from_buffer(size(from.0)?, size(from.1)?, rgb);
    let source = source.map_err(|_| Error::Size)?;
    let target = TypedImage::<U8x3>::from_buffer(size(to.0)?, size(to.1)?, &mut resized);
    let mut target = target.map_err(|_| Error::Size)?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let done = Resizer::new().resize_typed(&source, &mut target, &options);
    done.map_err(Error::Library)?;
    Ok(resized)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_neighbours() {
        let grey = |values: &[u8]| -> Vec<u8> { values.iter().flat_map(|v| [*v; 3]).collect() };
        let rgb = grey(&[10, 30, 50, 70, 10, 30, 50, 70]);
        let half = resize(&rgb, (4, 2), (2, 1), FilterType::Box).unwrap();
        assert_eq!(half, grey(&[20, 60]));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(matches!(
            resize(&[0; 5], (2, 1), (1, 1), FilterType::Bilinear),
            Err(Error::Size)
        ));
    }
}
