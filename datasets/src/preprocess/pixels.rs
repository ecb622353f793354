//! Pixel arithmetic: resizing, cropping and normalising 8-bit RGB.

use anyhow::{Result, ensure};
use nongemm_core::plugin::Image;
use nongemm_resize::FilterType;

use crate::decode::MAX_PIXELS;

/// Resizes with a filter that is widened when it shrinks (antialiasing), in 8-bit arithmetic.
///
/// # Errors
/// When a size is 0 or too large, or the picture's buffer does not fit its size.
pub(crate) fn resize(
    image: &Image,
    width: usize,
    height: usize,
    filter: FilterType,
) -> Result<Vec<u8>> {
    let name = &image.name;
    ensure!(
        image.width > 0 && image.height > 0 && image.rgb.len() == 3 * image.width * image.height,
        "`{name}` is not a picture: {} bytes for {} x {} pixels",
        image.rgb.len(),
        image.width,
        image.height
    );
    ensure!(
        width > 0 && height > 0 && (width as u64).saturating_mul(height as u64) <= MAX_PIXELS,
        "`{name}` ({} x {} pixels) cannot be resized to {width} x {height}",
        image.width,
        image.height
    );
    let from = (image.width, image.height);
    Ok(nongemm_resize::resize(
        &image.rgb,
        from,
        (width, height),
        filter,
    )?)
}

/// Where a centred crop starts: half the surplus, a half rounded to the even number as the reference does.
pub(crate) fn centre(full: usize, crop: usize) -> usize {
    (full.saturating_sub(crop) as f64 / 2.0).round_ties_even() as usize
}

/// Appends a window of `rgb` as three planes: what becomes of each level of each channel is in a table.
pub(crate) fn push_planes(
    out: &mut Vec<f32>,
    rgb: &[u8],
    row_pixels: usize,
    window: Window,
    tables: &[[f32; 256]; 3],
) {
    for (channel, table) in tables.iter().enumerate() {
        for row in rgb
            .chunks_exact(3 * row_pixels)
            .skip(window.top)
            .take(window.height)
        {
            let pixels = row.chunks_exact(3).skip(window.left).take(window.width);
            out.extend(pixels.map(|pixel| table[usize::from(pixel[channel])]));
        }
    }
}

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_number() {
        assert_eq!(
            [centre(347, 224), centre(349, 224), centre(232, 224)],
            [62, 62, 4]
        );
    }

    #[test]
    fn planes_are_windows_of_single_channels() {
        let rgb: Vec<u8> = (0..3 * 3 * 2).map(|i| i * 10).collect();
        let mut out = Vec::new();
        let window = Window {
            left: 1,
            top: 1,
            width: 2,
            height: 1,
        };
        let table = std::array::from_fn(|level| level as f32);
        push_planes(&mut out, &rgb, 3, window, &[table; 3]);
        assert_eq!(out, [120.0, 150.0, 130.0, 160.0, 140.0, 170.0]);
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let image = Image {
            name: "flat".into(),
            width: 5,
            height: 7,
            rgb: vec![93; 105],
        };
        let out = resize(&image, 8, 3, FilterType::CatmullRom).unwrap();
        assert_eq!(out, vec![93; 72]);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        let image = Image {
            name: "thin".into(),
            width: 1,
            height: 16384,
            rgb: vec![0; 3 * 16384],
        };
        let error = resize(&image, 1 << 20, 1 << 20, FilterType::Bilinear).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`thin` (1 x 16384 pixels) cannot be resized")
        );
        let broken = Image {
            rgb: vec![0; 4],
            ..image
        };
        assert!(resize(&broken, 2, 2, FilterType::Bilinear).is_err());
    }
}
