//! Robust statistics of repeated measurements.
//!
//! ```
//! use nongemm_core::stats::{mad, median, median_ci95, outliers};
//!
//! let samples = [101.0, 99.0, 100.0, 102.0, 98.0, 100.0, 480.0];
//! assert_eq!(median(&samples), Some(100.0));
//! assert_eq!(mad(&samples), Some(1.0));
//! // From order statistics: no assumption on the distribution, and one outlier does not widen it beyond itself.
//! assert_eq!(median_ci95(&samples), Some([98.0, 480.0]));
//! assert_eq!(outliers(&samples), [6]);
//! ```

use serde::{Deserialize, Serialize};

/// The median of `values` (the mean of the two middle ones for an even count); `None` if empty.
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let n = sorted.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(sorted[n / 2]),
        _ => Some((sorted[n / 2 - 1] + sorted[n / 2]) / 2.0),
    }
}

/// The median absolute deviation from the median, unscaled; `None` if empty.
pub fn mad(values: &[f64]) -> Option<f64> {
    let centre = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|x| (x - centre).abs()).collect();
    median(&deviations)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Ranks `(low, high)` (from 0) of the order statistics that enclose the median with at least 95%
/// probability, or `None` for fewer than six values, where no pair does.
///
/// Each value is below the median with probability one half, so the number of values below it is
/// binomial; `low` is the largest rank with a lower tail of at most 2.5%, `high` its mirror image.
/// The interval assumes nothing about the distribution except independence.
pub fn median_ranks_95(n: usize) -> Option<(usize, usize)> {
    if n < 6 {
        return None;
    }
    let ln_half = 0.5f64.ln();
    let mut ln_choose = 0.0;
    let mut tail = 0.0;
    let mut low = 0;
    for k in 0..n / 2 {
        tail += (ln_choose + n as f64 * ln_half).exp();
        if tail > 0.025 {
            break;
        }
        low = k;
        ln_choose += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    Some((low, n - 1 - low))
}

/// The 95% confidence interval of the median from order statistics. For fewer than six values it is
/// their range, which covers less than 95%.
pub fn median_ci95(values: &[f64]) -> Option<[f64; 2]> {
    let sorted = sorted(values);
    let last = sorted.len().checked_sub(1)?;
    let (low, high) = median_ranks_95(sorted.len()).unwrap_or((0, last));
    Some([sorted[low], sorted[high]])
}

/// Walsh averages are quadratic in the number of values: beyond this many values, evenly spaced ones
/// stand for all.
const WALSH_VALUES: usize = 2_000;

/// The means of all pairs of values, each value with itself included, in order.
fn walsh_averages(values: &[f64]) -> (usize, Vec<f64>) {
    let step = values.len().div_ceil(WALSH_VALUES).max(1);
    let values: Vec<f64> = values.iter().step_by(step).copied().collect();
    let mut averages = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (i, a) in values.iter().enumerate() {
        averages.extend(values[i..].iter().map(|b| (a + b) / 2.0));
    }
    averages.sort_by(f64::total_cmp);
    (values.len(), averages)
}

/// The Hodges-Lehmann estimate of the centre of a symmetric distribution: the median of the means of
/// all pairs. As robust as a median against outliers and nearly as precise as a mean; differences of
/// two exchangeable measurements are symmetric. `None` if empty.
pub fn hodges_lehmann(values: &[f64]) -> Option<f64> {
    median(&walsh_averages(values).1)
}

/// The 95% confidence interval of [`hodges_lehmann`]: the means of pairs that Wilcoxon's signed-rank
/// test does not reject, by its normal approximation with continuity correction (Hollander, Wolfe,
/// Chicken, Nonparametric Statistical Methods, 3.3). For fewer than six values it is their range.
pub fn hodges_lehmann_ci95(values: &[f64]) -> Option<[f64; 2]> {
    let (n, averages) = walsh_averages(values);
    let last = averages.len().checked_sub(1)?;
    if n < 6 {
        return Some([averages[0], averages[last]]);
    }
    let n = n as f64;
    let mean = n * (n + 1.0) / 4.0;
    let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
    let low = (mean - 0.5 - 1.959_964 * deviation).floor().max(0.0) as usize;
    Some([averages[low], averages[last - low]])
}

/// Half the width of the 95% interval of the median relative to the median, or `None` where no such
/// interval exists yet.
pub fn relative_half_width(values: &[f64]) -> Option<f64> {
    median_ranks_95(values.len())?;
    let [low, high] = median_ci95(values)?;
    let centre = median(values)?;
    (centre > 0.0).then(|| (high - low) / 2.0 / centre)
}

/// Positions of the middle half of `values` by size: everything between the quartiles, at least one
/// value, all of them for fewer than four.
///
/// The mean over these positions is the interquartile mean of `values`: as robust against disturbed
/// runs as a median, but additive. If each value is a sum, the means of the summands over the same
/// positions add up to it exactly.
pub fn middle_half(values: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|&i| (values[i], i));
    let quarter = values.len() / 4;
    order[quarter..values.len() - quarter].to_vec()
}

/// Most blocks that [`without_blocks`] divides a series into.
const BLOCKS: usize = 10;

/// The positions of a series without one block of neighbours, for each of at most ten blocks of equal size
/// (within one); none for fewer than six values.
fn without_blocks(n: usize) -> Vec<Vec<usize>> {
    if n < 6 {
        return Vec::new();
    }
    let blocks = n.min(BLOCKS);
    let bound = |block: usize| block * n / blocks;
    let rest = |block| (0..n).filter(move |i| !(bound(block)..bound(block + 1)).contains(i));
    (0..blocks).map(|block| rest(block).collect()).collect()
}

/// An estimate's standard error, from the estimates that are made with one of equal blocks of the values left
/// out (Efron and Tibshirani, An Introduction to the Bootstrap, 11.5). Blocks of neighbours, so that drift
/// counts as what it is. `None` for fewer than two.
fn jackknife(left_out: &[f64]) -> Option<f64> {
    let n = left_out.len() as f64;
    let mean = left_out.iter().sum::<f64>() / n;
    let squares: f64 = left_out.iter().map(|x| (x - mean).powi(2)).sum();
    (left_out.len() > 1).then(|| (squares * (n - 1.0) / n).sqrt())
}

/// The standard error of an estimate made from a series of neighbouring values, by leaving out blocks of
/// them, and its degrees of freedom. `None` for fewer than six values.
pub fn standard_error(values: &[f64], estimate: impl Fn(&[f64]) -> f64) -> Option<(f64, usize)> {
    let pick =
        |positions: &Vec<usize>| -> Vec<f64> { positions.iter().map(|&i| values[i]).collect() };
    let left_out: Vec<f64> = without_blocks(values.len())
        .iter()
        .map(|positions| estimate(&pick(positions)))
        .collect();
    Some((jackknife(&left_out)?, left_out.len() - 1))
}

/// Degrees of freedom of [`Summary::se`] for a number of values.
pub fn degrees_of_freedom(n: usize) -> usize {
    n.min(BLOCKS).saturating_sub(1)
}

/// The runs that make the median run: the middle half of all by wall time, and of all but one block of
/// neighbours, for each block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MedianRuns {
    /// Positions of the middle half.
    pub positions: Vec<usize>,
    without: Vec<Vec<usize>>,
}

impl MedianRuns {
    /// Of the runs with these wall times.
    pub fn of(walls: &[u64]) -> Self {
        let middle_of = |rest: Vec<usize>| -> Vec<usize> {
            let walls: Vec<u64> = rest.iter().map(|&i| walls[i]).collect();
            middle_half(&walls).iter().map(|&i| rest[i]).collect()
        };
        MedianRuns {
            positions: middle_half(walls),
            without: without_blocks(walls.len())
                .into_iter()
                .map(middle_of)
                .collect(),
        }
    }

    /// What a quantity of each run is in the median run: the mean over the middle half.
    pub fn mean(&self, values: &[f64]) -> f64 {
        mean_at(values, &self.positions)
    }

    /// The standard error of [`mean`](Self::mean); `None` for fewer than six runs.
    pub fn standard_error(&self, values: &[f64]) -> Option<f64> {
        let means = self.without.iter().map(|middle| mean_at(values, middle));
        jackknife(&means.collect::<Vec<f64>>())
    }
}

/// The mean of the values at `positions`; 0 for none.
pub fn mean_at(values: &[f64], positions: &[usize]) -> f64 {
    let sum: f64 = positions.iter().map(|&i| values[i]).sum();
    sum / positions.len().max(1) as f64
}

/// Positions of values further from the median than five scaled median absolute deviations (1.4826
/// times the deviation estimates the standard deviation of a normal distribution).
pub fn outliers(values: &[f64]) -> Vec<usize> {
    let (Some(centre), Some(mad)) = (median(values), mad(values)) else {
        return Vec::new();
    };
    let limit = 5.0 * 1.4826 * mad;
    values
        .iter()
        .enumerate()
        .filter(|(_, x)| (*x - centre).abs() > limit && limit > 0.0)
        .map(|(i, _)| i)
        .collect()
}

/// The times of one operator over all instrumented runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The time in the median run: the mean over the middle half of the runs by wall time, the same
    /// runs for every operator, so that operators and what lies between them add up to the wall time.
    pub median: f64,
    /// The median of this operator's own times. Medians of parts do not add up to that of the whole.
    pub own_median: f64,
    /// The 95% confidence interval of that median; null for fewer than six values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_ci95: Option<[f64; 2]>,
    /// Median absolute deviation of this operator's own times, unscaled.
    pub mad: f64,
    /// Number of values.
    pub n: usize,
    /// Standard error of `median`, from leaving out blocks of neighbouring runs; absent for fewer than six
    /// values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se: Option<f64>,
}

impl Summary {
    /// The summary of `values`, one for each run.
    pub fn of(values: &[f64], runs: &MedianRuns) -> Self {
        Summary {
            median: runs.mean(values),
            own_median: median(values).unwrap_or(0.0),
            own_ci95: median_ranks_95(values.len()).and_then(|_| median_ci95(values)),
            mad: mad(values).unwrap_or(0.0),
            n: values.len(),
            se: runs.standard_error(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_fixed_vectors() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(mad(&[1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]), Some(1.0));
    }

    #[test]
    fn ranks_agree_with_published_tables() {
        // Order-statistic intervals for the median at 95% (for instance Conover, Practical
        // Nonparametric Statistics): ranks from 1 are (1,6) for 6, (2,9) for 10, (6,15) for 20,
        // (18,33) for 50.
        assert_eq!(median_ranks_95(5), None);
        assert_eq!(median_ranks_95(6), Some((0, 5)));
        assert_eq!(median_ranks_95(10), Some((1, 8)));
        assert_eq!(median_ranks_95(20), Some((5, 14)));
        assert_eq!(median_ranks_95(50), Some((17, 32)));
    }

    #[test]
    fn hodges_lehmann_agrees_with_published_tables() {
        // R: wilcox.test(depression, conf.int = TRUE) on the differences of Hollander and Wolfe's
        // depression data gives the pseudo-median -0.46 and the exact interval (-0.786, -0.010).
        let differences = [
            -0.952, 0.147, -1.022, -0.43, -0.62, -0.59, -0.49, 0.08, -0.01,
        ];
        let centre = hodges_lehmann(&differences).unwrap();
        assert!((centre - -0.46).abs() < 1e-12, "{centre}");
        let [low, high] = hodges_lehmann_ci95(&differences).unwrap();
        assert!((low - -0.786).abs() < 1e-9, "{low}");
        assert!((high - -0.010).abs() < 1e-9, "{high}");
        assert_eq!(hodges_lehmann(&[]), None);
        assert_eq!(hodges_lehmann_ci95(&[1.0, 3.0]), Some([1.0, 3.0]));
        let one_outlier = [1.0, 1.1, 0.9, 1.0, 1.05, 50.0, 0.95, 1.0, 1.0];
        assert!((hodges_lehmann(&one_outlier).unwrap() - 1.0).abs() < 0.05);
    }

    #[test]
    fn the_interval_of_few_values_is_their_range_and_never_precise() {
        assert_eq!(median_ci95(&[2.0, 1.0, 3.0]), Some([1.0, 3.0]));
        assert_eq!(relative_half_width(&[1.0, 1.0, 1.0]), None);
        assert_eq!(relative_half_width(&[1.0; 6]), Some(0.0));
    }

    #[test]
    fn the_middle_half_is_between_the_quartiles_and_its_means_add_up() {
        assert_eq!(middle_half(&[]), Vec::<usize>::new());
        assert_eq!(middle_half(&[5]), [0]);
        assert_eq!(middle_half(&[9, 1, 2]), [1, 2, 0]);
        let walls = [100, 900, 110, 90, 120, 105, 10, 115];
        assert_eq!(middle_half(&walls), [0, 5, 2, 7]);
        assert_eq!(mean_at(&[1.0, 2.0, 6.0], &[0, 2]), 3.5);
    }

    #[test]
    fn the_standard_error_of_a_mean_is_the_textbook_one() {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let squares: f64 = values.iter().map(|x| (x - mean(&values)).powi(2)).sum();
        let (se, freedom) = standard_error(&values, mean).unwrap();
        assert!((se - (squares / 7.0 / 8.0).sqrt()).abs() < 1e-12, "{se}");
        assert_eq!((freedom, degrees_of_freedom(8)), (7, 7));
        assert_eq!(standard_error(&values[..5], mean), None);
        // Blocks of two: the error of the mean of ten means.
        let long: Vec<f64> = (0..20).map(|i| f64::from((i * 7) % 11)).collect();
        let blocks: Vec<f64> = long.chunks(2).map(mean).collect();
        let squares: f64 = blocks.iter().map(|x| (x - mean(&blocks)).powi(2)).sum();
        let (se, freedom) = standard_error(&long, mean).unwrap();
        assert!((se - (squares / 9.0 / 10.0).sqrt()).abs() < 1e-12, "{se}");
        assert_eq!((freedom, degrees_of_freedom(20)), (9, 9));
    }

    #[test]
    fn the_median_run_knows_how_precise_it_is() {
        let walls = [100, 104, 98, 300, 101, 99, 103, 97];
        let runs = MedianRuns::of(&walls);
        assert_eq!(runs.positions, middle_half(&walls));
        let values: Vec<f64> = walls.iter().map(|&wall| wall as f64 / 2.0).collect();
        let summary = Summary::of(&values, &runs);
        assert_eq!(summary.median, 50.375);
        let se = summary.se.unwrap();
        assert!(se > 0.1 && se < 2.0, "{se}: the one slow run is trimmed");
        assert_eq!(
            Summary::of(&values[..3], &MedianRuns::of(&walls[..3])).se,
            None
        );
    }

    #[test]
    fn outliers_are_labelled() {
        let values = [10.0, 10.1, 9.9, 10.0, 10.2, 30.0];
        assert_eq!(outliers(&values), vec![5]);
        assert_eq!(outliers(&[1.0; 8]), Vec::<usize>::new());
    }
}
