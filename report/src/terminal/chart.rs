//! Bars of block characters.

/// One to seven eighths of a block.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar for a fraction of `width` columns, to an eighth of a column. What is there is seen: anything
/// above zero gets an eighth at least.
pub(super) fn bar(fraction: f64, width: usize) -> String {
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let mut eighths = (fraction * width as f64 * 8.0).round() as usize;
    if fraction > 0.0 {
        eighths = eighths.max(1);
    }
    let part = (eighths % 8)
        .checked_sub(1)
        .map_or("", |index| EIGHTHS[index]);
    format!("{}{part}", "█".repeat(eighths / 8))
}

/// Lengths of the pieces of one bar of `width` columns, one for each share. They add up to `width`;
/// negative shares get nothing.
pub(super) fn pieces(shares: &[f64], width: usize) -> Vec<usize> {
    let positive = |share: &f64| {
        if share.is_finite() {
            share.max(0.0)
        } else {
            0.0
        }
    };
    let total: f64 = shares.iter().map(positive).sum();
    if total <= 0.0 {
        return vec![0; shares.len()];
    }
    let mut sum = 0.0;
    let mut done = 0;
    let mut lengths = Vec::with_capacity(shares.len());
    for share in shares {
        sum += positive(share);
        let end = (sum / total * width as f64).round() as usize;
        lengths.push(end.saturating_sub(done));
        done = end.max(done);
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_count_in_eighths() {
        assert_eq!(bar(0.0, 10), "");
        assert_eq!(bar(-0.2, 10), "");
        assert_eq!(bar(f64::NAN, 10), "");
        assert_eq!(bar(0.0001, 10), "▏");
        assert_eq!(bar(0.25, 10), "██▌");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(7.0, 4), "████");
    }

    #[test]
    fn pieces_fill_the_bar() {
        assert_eq!(pieces(&[0.7, 0.0, 0.25, 0.05], 20), [14, 0, 5, 1]);
        assert_eq!(pieces(&[1.0, 1.0, 1.0], 10), [3, 4, 3]);
        assert_eq!(pieces(&[0.5, -0.1, 0.6], 11), [5, 0, 6]);
        assert_eq!(pieces(&[0.0, 0.0], 11), [0, 0]);
    }
}
