//! Data for the page: JSON, compressed, in letters.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderStringWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use sha2::{Digest, Sha256};

/// A document as gzip in base64, which browsers read without help.
///
/// # Errors
/// Never in practice: everything is in memory.
pub(super) fn gzip_base64(document: &impl Serialize) -> io::Result<String> {
    let mut letters = EncoderStringWriter::new(&STANDARD);
    let buffered =
        io::BufWriter::with_capacity(1 << 16, GzEncoder::new(&mut letters, Compression::best()));
    let mut writer = buffered;
    serde_json::to_writer(&mut writer, document)?;
    writer.flush()?;
    let encoder = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    encoder.finish()?;
    Ok(letters.into_inner())
}

/// The hash of a script as a content security policy names it.
pub(super) fn sha256_base64(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// Numbers with five significant digits: more than any is precise to, and half the size.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Short(pub(super) Vec<f64>);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for value in &self.0 {
            let value = five_digits(*value);
            if value.fract() == 0.0 && value.abs() < 9e15 {
                list.serialize_element(&(value as i64))?;
            } else {
                list.serialize_element(&value)?;
            }
        }
        list.end()
    }
}

/// A value rounded to five significant digits, and to hundredths at most.
pub(super) fn five_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let place = 10f64.powf((4.0 - value.abs().log10().floor()).min(2.0));
    if place >= 1.0 {
        (value * place).round() / place
    } else {
        // Whole numbers stay whole: the inverse of a negative power of ten is exact.
        let step = (1.0 / place).round();
        (value / step).round() * step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_are_kept() {
        let cases = [
            (0.0, 0.0),
            (f64::NAN, 0.0),
            (0.123_456, 0.12),
            (812.446, 812.45),
            (12_345.6, 12_346.0),
            (2_348_149.7, 2_348_100.0),
            (-45_678.91, -45_679.0),
        ];
        for (value, expected) in cases {
            assert_eq!(five_digits(value), expected, "{value}");
        }
    }
}
