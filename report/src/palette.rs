//! One colour for each group, the same in every figure and page.
//!
//! Chosen so that the groups that fill most bars can be told apart with each kind of colour blindness, on
//! light and on dark ground (the test simulates them). Colour never stands alone: bars have gaps between
//! pieces, pieces have names.

use nongemm_core::op::OpGroup;
use nongemm_core::record::UNATTRIBUTED;

/// A colour on light and on dark ground, as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    /// On light ground.
    pub(crate) light: &'static str,
    /// On dark ground.
    pub(crate) dark: &'static str,
}

const fn colour(light: &'static str, dark: &'static str) -> Colour {
    Colour { light, dark }
}

/// Of time that no operator accounts for, and of a group that this build does not know.
const REST: Colour = colour("#c9ccd1", "#565c66");

/// The colour of a group.
pub(crate) const fn of(group: OpGroup) -> Colour {
    match group {
        OpGroup::Gemm => colour("#0b5fa5", "#4a96d9"),
        OpGroup::Mixed => colour("#56b4e9", "#9ad4f5"),
        OpGroup::Normalization => colour("#d55e00", "#e8743b"),
        OpGroup::Activation => colour("#e8960c", "#f0a020"),
        OpGroup::Arithmetic => colour("#007d5f", "#12a37d"),
        OpGroup::Memory => colour("#d08cb4", "#e3a8cb"),
        OpGroup::Logit => colour("#f2e59a", "#f8f0ae"),
        OpGroup::Roi => colour("#7b1e50", "#a8477a"),
        OpGroup::Interpolation => colour("#6fc7c9", "#2f8f94"),
        OpGroup::Embedding => colour("#332288", "#7a68d6"),
        OpGroup::Pooling => colour("#6a6f14", "#8f9430"),
        OpGroup::Qdq => colour("#aa4499", "#c56bb5"),
        OpGroup::Comm => colour("#6b3a1e", "#a2694a"),
        OpGroup::Other => colour("#767676", "#7d838c"),
        OpGroup::Unclassified => colour("#1a1a1a", "#f5f5f5"),
    }
}

/// Of a group that this build does not know, on a terminal.
pub(crate) const TERMINAL_REST: &str = "38;5;244";

/// The nearest colour that terminals of 256 colours have and that is readable on light and on dark, as the
/// parameters of an ANSI sequence.
pub(crate) const fn terminal(group: OpGroup) -> &'static str {
    match group {
        OpGroup::Gemm => "38;5;32",
        OpGroup::Mixed => "38;5;74",
        OpGroup::Normalization => "38;5;166",
        OpGroup::Activation => "38;5;172",
        OpGroup::Arithmetic => "38;5;36",
        OpGroup::Memory => "38;5;175",
        OpGroup::Logit => "38;5;143",
        OpGroup::Roi => "38;5;125",
        OpGroup::Interpolation => "38;5;73",
        OpGroup::Embedding => "38;5;62",
        OpGroup::Pooling => "38;5;100",
        OpGroup::Qdq => "38;5;133",
        OpGroup::Comm => "38;5;130",
        OpGroup::Other => "38;5;102",
        OpGroup::Unclassified => TERMINAL_REST,
    }
}

/// The colour of a group by its spelling in a record, `unattributed` included.
pub(crate) fn named(name: &str) -> Colour {
    let known = OpGroup::ALL.into_iter().find(|group| group.name() == name);
    known.map_or(REST, of)
}

/// The spellings of all groups in the order of reports, `unattributed` last.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let groups = OpGroup::ALL.into_iter().map(OpGroup::name);
    groups.chain([UNATTRIBUTED])
}

/// Black or white: what is read better on a colour.
pub(crate) fn ink(ground: &str) -> &'static str {
    // WCAG 2: contrast is (lighter + 0.05) / (darker + 0.05); the two inks are equal at 0.179.
    match luminance(ground) > 0.179 {
        true => "#000000",
        false => "#ffffff",
    }
}

/// Relative luminance of a colour, 0 to 1 (WCAG 2).
fn luminance(hex: &str) -> f64 {
    let [r, g, b] = linear(hex);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Linear red, green and blue of an sRGB colour, 0 to 1.
fn linear(hex: &str) -> [f64; 3] {
    [1, 3, 5].map(|at| {
        let digits = hex.get(at..at + 2).unwrap_or("00");
        let byte = u8::from_str_radix(digits, 16).unwrap_or(0);
        let value = f64::from(byte) / 255.0;
        match value <= 0.04045 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simulations of full protanopia, deuteranopia and tritanopia in linear RGB (Machado, Oliveira and
    /// Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009, table 1).
    const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
        ("full", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        ),
    ];

    /// CIE 1976 distance that is seen at a glance; 2.3 is just noticeable side by side.
    const APART: f64 = 11.0;

    /// CIE L*a*b* of a colour as an eye sees it.
    fn lab(hex: &str, vision: &[[f64; 3]; 3]) -> [f64; 3] {
        let rgb = linear(hex);
        let seen = vision.map(|row| (0..3).map(|i| row[i] * rgb[i]).sum::<f64>().clamp(0.0, 1.0));
        let [r, g, b] = seen;
        let xyz = [
            (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
            0.2126 * r + 0.7152 * g + 0.0722 * b,
            (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
        ];
        let [x, y, z] = xyz.map(|t| match t > 0.008856 {
            true => t.cbrt(),
            false => 7.787 * t + 16.0 / 116.0,
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn groups_of_most_bars_are_told_apart_with_any_colour_vision() {
        let common = [
            "gemm",
            "mixed",
            "normalization",
            "activation",
            "arithmetic",
            "memory",
            "logit",
            UNATTRIBUTED,
        ];
        for (name, vision) in &VISIONS {
            for (i, a) in common.iter().enumerate() {
                for b in &common[i + 1..] {
                    let grounds: [fn(Colour) -> &'static str; 2] = [|c| c.light, |c| c.dark];
                    for ground in grounds {
                        let (p, q) = (lab(ground(named(a)), vision), lab(ground(named(b)), vision));
                        let distance = (0..3).map(|i| (p[i] - q[i]).powi(2)).sum::<f64>().sqrt();
                        assert!(
                            distance > APART,
                            "{a} and {b} with {name} vision: {distance}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn text_on_a_group_is_readable() {
        for name in names() {
            let colour = named(name);
            for ground in [colour.light, colour.dark] {
                let (a, b) = (luminance(ground), luminance(ink(ground)));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 4.5, "{name} {ground}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn no_two_groups_have_one_colour() {
        let mut seen: Vec<Colour> = Vec::new();
        for name in names() {
            let colour = named(name);
            assert!(!seen.contains(&colour), "{name}");
            seen.push(colour);
        }
    }
}
