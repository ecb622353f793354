//! JPEG and PNG files to 8-bit RGB.
//!
//! Files come from users: size and format are checked before memory is taken.

use std::io::Cursor;

use anyhow::{Result, anyhow, bail};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use nongemm_core::plugin::Image;

/// The most pixels that a picture may have.
pub(crate) const MAX_PIXELS: u64 = 64 << 20;
/// The most bytes that a picture's file may have.
pub(crate) const MAX_FILE_BYTES: u64 = 256 << 20;

/// Decodes one picture. Grey becomes three equal channels; an alpha channel is dropped, not blended.
///
/// # Errors
/// When the bytes are not a JPEG or PNG file, are damaged, or hold more than [`MAX_PIXELS`] pixels.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Image> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let Some(format @ (ImageFormat::Jpeg | ImageFormat::Png)) = reader.format() else {
        bail!("`{name}` is not a JPEG or PNG file");
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| damaged(name, &e))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        bail!(
            "`{name}` is {width} x {height} pixels; at most {} megapixels are read",
            MAX_PIXELS / 1_000_000
        );
    }
    if format == ImageFormat::Jpeg && ends_early(bytes) {
        bail!("`{name}` ends before its last pixel; it is cut off");
    }
    let rgb = DynamicImage::from_decoder(decoder)
        .map_err(|e| damaged(name, &e))?
        .into_rgb8();
    Ok(Image {
        name: name.to_owned(),
        width: width as usize,
        height: height as usize,
        rgb: rgb.into_raw(),
    })
}

/// The first line of the decoder's message; it may have several.
fn damaged(name: &str, error: &ImageError) -> anyhow::Error {
    let message = error.to_string();
    let line = message.lines().next().unwrap_or_default();
    anyhow!("cannot decode `{name}`: {line}")
}

/// Whether a JPEG file lacks its end marker. The decoder fills what is missing with grey, but a
/// picture that is partly grey is not the user's data.
fn ends_early(bytes: &[u8]) -> bool {
    let mut at = 2;
    // Segments up to the first scan say how long they are. Anything unusual is left to the decoder.
    loop {
        match bytes.get(at..at + 4) {
            None => return true,
            Some([0xff, 0xff, ..]) => at += 1,
            Some([0xff, marker, high, low]) => {
                at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
                if *marker == 0xda {
                    break;
                }
            }
            Some(_) => return false,
        }
    }
    // Inside a scan 0xff is escaped, so the end marker cannot be pixel data.
    let scans = bytes.get(at..).unwrap_or_default();
    !scans.windows(2).any(|pair| pair == [0xff, 0xd9])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        format!("{:#}", decode("x.jpg", bytes).unwrap_err())
    }

    fn png(width: u32, height: u32, color: u8) -> Vec<u8> {
        let mut header = [0; 17];
        header[..4].copy_from_slice(b"IHDR");
        header[4..8].copy_from_slice(&width.to_be_bytes());
        header[8..12].copy_from_slice(&height.to_be_bytes());
        header[12..].copy_from_slice(&[8, color, 0, 0, 0]);
        let mut crc = u32::MAX;
        for byte in header {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            }
        }
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        file.extend(header);
        file.extend((!crc).to_be_bytes());
        file.extend(b"\0\0\0\x08IDAT\0\0\0\0");
        file
    }

    #[test]
    fn text_is_not_a_picture() {
        assert_eq!(error(b"hello"), "`x.jpg` is not a JPEG or PNG file");
        assert_eq!(error(b""), "`x.jpg` is not a JPEG or PNG file");
        assert_eq!(error(b"GIF89a"), "`x.jpg` is not a JPEG or PNG file");
    }

    #[test]
    fn a_hundred_megapixels_are_refused_from_the_header() {
        let message = error(&png(10_000, 10_000, 2));
        assert_eq!(
            message,
            "`x.jpg` is 10000 x 10000 pixels; at most 67 megapixels are read"
        );
    }

    #[test]
    fn every_cut_of_a_jpeg_is_an_error() {
        let bytes = include_bytes!("../sample/images/clock.jpg");
        for end in (0..bytes.len()).step_by(97) {
            let message = format!("{:#}", decode("cut.jpg", &bytes[..end]).unwrap_err());
            assert!(message.contains("`cut.jpg`"), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn grey_becomes_three_equal_channels() {
        let image = decode("clock", include_bytes!("../sample/images/clock.jpg")).unwrap();
        assert_eq!((image.width, image.height), (400, 300));
        assert!(image.rgb.chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    }
}
