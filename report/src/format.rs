//! Numbers for people: four significant digits at most, sensible units.
//!
//! Number and unit are joined by a no-break space, so that lines are not broken between them.

/// The space between a number and its unit.
pub(crate) const NBSP: char = '\u{a0}';

/// Units of time, largest first, with their nanoseconds.
const TIMES: [(&str, f64); 4] = [("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0)];

/// Units of size, largest first, with their bytes.
const SIZES: [(&str, f64); 4] = [
    ("TiB", (1u64 << 40) as f64),
    ("GiB", (1u64 << 30) as f64),
    ("MiB", (1u64 << 20) as f64),
    ("KiB", (1u64 << 10) as f64),
];

/// Units of counts, largest first.
const COUNTS: [(&str, f64); 3] = [("B", 1e9), ("M", 1e6), ("k", 1e3)];

/// Values that round to 1000 of a unit are 1 of the next.
const ROUNDS_UP: f64 = 0.99995;

fn scale(units: &[(&'static str, f64)], value: f64) -> Option<(&'static str, f64)> {
    let fits = |unit: &&(&str, f64)| value.abs() >= unit.1 * ROUNDS_UP;
    units.iter().find(fits).copied()
}

/// The number with `digits` significant digits, but never fewer than its integer part has.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    let integer = match value.abs() {
        x if x >= 999.95 => 4,
        x if x >= 99.995 => 3,
        x if x >= 9.9995 => 2,
        _ => 1,
    };
    format!("{value:.*}", digits.saturating_sub(integer))
}

/// A time given in nanoseconds: `1.352 ms`.
pub(crate) fn time(ns: f64) -> String {
    let (unit, size) = scale(&TIMES, ns).unwrap_or(("ns", 1.0));
    let digits = if unit == "ns" { 0 } else { 4 };
    format!("{}{NBSP}{unit}", significant(ns / size, digits))
}

/// An energy given in joules: `12.3 mJ`.
pub(crate) fn millijoules(joules: f64) -> String {
    format!("{}{NBSP}mJ", significant(1e3 * joules, 3))
}

/// An interval of times in one unit: `[1.340, 1.361] ms`.
pub(crate) fn interval([low, high]: [f64; 2]) -> String {
    let (unit, size) = scale(&TIMES, high.max(low)).unwrap_or(("ns", 1.0));
    let digits = if unit == "ns" { 0 } else { 4 };
    let number = |ns: f64| significant(ns / size, digits);
    format!("[{},{NBSP}{}]{NBSP}{unit}", number(low), number(high))
}

/// A size in bytes: `474.7 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let value = bytes as f64;
    match scale(&SIZES, value) {
        Some((unit, size)) => format!("{}{NBSP}{unit}", significant(value / size, 4)),
        None => format!("{bytes}{NBSP}B"),
    }
}

/// A large count: `124.4 M`.
pub(crate) fn count(count: u64) -> String {
    let value = count as f64;
    match scale(&COUNTS, value) {
        Some((unit, size)) => format!("{}{NBSP}{unit}", significant(value / size, 4)),
        None => count.to_string(),
    }
}

/// A frequency in hertz: `2.596 GHz`.
pub(crate) fn frequency(hertz: f64) -> String {
    format!("{:.3}{NBSP}GHz", hertz / 1e9)
}

/// A share, 0 to 1: `23.4%`.
pub(crate) fn percent(share: f64) -> String {
    let percent = format!("{:.1}", share * 100.0);
    // Nobody wants to read about minus nothing.
    let percent = if percent == "-0.0" {
        "0.0"
    } else {
        percent.as_str()
    };
    format!("{percent}%")
}

/// A relative change: `+1.2%`.
pub(crate) fn change(ratio: f64) -> String {
    let text = percent(ratio);
    if text.starts_with('-') || text == "0.0%" {
        text
    } else {
        format!("+{text}")
    }
}

/// Half the width of an interval relative to its centre: `±0.9%`.
pub(crate) fn half_width([low, high]: [f64; 2], centre: f64) -> String {
    let relative = if centre > 0.0 {
        (high - low) / 2.0 / centre
    } else {
        0.0
    };
    format!("±{}", percent(relative))
}

/// `1 thread`, `2 threads`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count}{NBSP}{noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: String) -> String {
        text.replace(NBSP, " ")
    }

    #[test]
    fn times_keep_four_digits_and_change_units() {
        let cases = [
            (0.0, "0 ns"),
            (812.4, "812 ns"),
            (999.99, "1.000 µs"),
            (1_352.0, "1.352 µs"),
            (16_235_000.0, "16.23 ms"),
            (182_436_000.0, "182.4 ms"),
            (999_960_000.0, "1.000 s"),
            (72_100_000_000.0, "72.10 s"),
            (4_321e9, "4321 s"),
            (-45_600.0, "-45.60 µs"),
        ];
        for (ns, expected) in cases {
            assert_eq!(plain(time(ns)), expected);
        }
        assert_eq!(
            plain(interval([998_000.0, 1_040_000.0])),
            "[0.998, 1.040] ms"
        );
    }

    #[test]
    fn sizes_counts_and_shares() {
        assert_eq!(plain(bytes(512)), "512 B");
        assert_eq!(plain(bytes(497_759_232)), "474.7 MiB");
        assert_eq!(plain(count(999)), "999");
        assert_eq!(plain(count(124_439_808)), "124.4 M");
        assert_eq!(plain(count(6_738_415_616)), "6.738 B");
        assert_eq!(percent(0.2345), "23.4%");
        assert_eq!(percent(-0.0001), "0.0%");
        assert_eq!(change(0.012), "+1.2%");
        assert_eq!(change(-0.012), "-1.2%");
        assert_eq!(half_width([98.0, 102.0], 100.0), "±2.0%");
        assert_eq!(plain(plural(1, "thread")), "1 thread");
        assert_eq!(plain(plural(2, "thread")), "2 threads");
    }
}
