//! From estimates of two sides to a change with interval, p-value and verdict.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::estimate::Estimate;

/// What can be said about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Within the threshold.
    Same,
    /// Shorter by more than the threshold.
    Faster,
    /// Longer by more than the threshold.
    Slower,
    /// The runs do not say.
    Unclear,
}

impl Verdict {
    /// The spelling in reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::Unclear => "unclear",
        }
    }
}

/// How a time changed from BASE to NEW.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// NEW over BASE; null where a time is zero.
    pub ratio: Option<f64>,
    /// Its 95% interval; null where there are too few samples for one.
    pub ci95: Option<[f64; 2]>,
    /// The probability of a change as large if the true one were the threshold's.
    pub p: f64,
    /// The same, adjusted for the number of comparisons.
    pub p_adjusted: f64,
    /// What it comes to.
    pub verdict: Verdict,
}

/// Verdicts are wrong in at most this part of the cases.
const ALPHA: f64 = 0.05;

/// The variance of a difference of logarithms, and its degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Variance {
    pub(super) value: f64,
    pub(super) freedom: f64,
}

impl Variance {
    /// The variance of a sum (Welch and Satterthwaite).
    pub(super) fn plus(self, other: Variance) -> Variance {
        let value = self.value + other.value;
        let parts = [self, other].map(|part| match part.freedom > 0.0 {
            true => part.value * part.value / part.freedom,
            false => 0.0,
        });
        let spread: f64 = parts.iter().sum();
        let freedom = if spread > 0.0 {
            value * value / spread
        } else {
            self.freedom
        };
        Variance { value, freedom }
    }
}

/// The difference of the logarithms of two sides, and what is known of its precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Contrast {
    /// Mean of NEW minus mean of BASE.
    pub(super) difference: f64,
    /// From the variation within runs.
    pub(super) within: Option<Variance>,
    /// From the variation between repetitions, where a side has some: the variance of one of them.
    pub(super) between: Option<Variance>,
    /// The sum of one over the number of records of each side: how the variance of one record becomes that of
    /// the difference.
    pub(super) per_record: f64,
}

impl Contrast {
    /// Of the records of both sides; `None` if a side has none, or a time is not above zero.
    pub(super) fn of(base: &[Estimate], new: &[Estimate]) -> Option<Self> {
        let all = || base.iter().chain(new);
        let positive = all().all(|e| e.value > 0.0 && e.value.is_finite());
        if base.is_empty() || new.is_empty() || !positive {
            return None;
        }
        let sides = [base, new];
        let logs = sides.map(|side| side.iter().map(|e| e.value.ln()).collect::<Vec<f64>>());
        let means = [mean(&logs[0]), mean(&logs[1])];
        let mut squares = 0.0;
        for (logs, mean) in logs.iter().zip(means) {
            squares += logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        }
        let freedom = (base.len() + new.len() - 2) as f64;
        let within = sides.map(within);
        Some(Contrast {
            difference: means[1] - means[0],
            within: within[0].zip(within[1]).map(|(a, b)| a.plus(b)),
            between: (freedom > 0.0).then(|| Variance {
                value: squares / freedom,
                freedom,
            }),
            per_record: 1.0 / base.len() as f64 + 1.0 / new.len() as f64,
        })
    }

    /// The variance by repetitions, never less than that within runs; that within runs where there are none.
    pub(super) fn variance(&self) -> Option<Variance> {
        let Some(one) = self.between else {
            return self.within;
        };
        let between = Variance {
            value: one.value * self.per_record,
            ..one
        };
        match self.within {
            Some(within) if within.value > between.value => Some(Variance {
                value: within.value,
                ..between
            }),
            _ => Some(between),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance within runs of the mean logarithm of a side.
fn within(side: &[Estimate]) -> Option<Variance> {
    let count = side.len() as f64;
    let mut sum: Option<Variance> = None;
    for estimate in side {
        let relative = estimate.se? / estimate.value / count;
        let own = Variance {
            value: relative * relative,
            freedom: estimate.freedom,
        };
        sum = Some(sum.map_or(own, |sum| sum.plus(own)));
    }
    sum
}

impl Change {
    /// Nothing can be said.
    pub(super) fn unknown(ratio: Option<f64>) -> Self {
        Change {
            ratio,
            ci95: None,
            p: 1.0,
            p_adjusted: 1.0,
            verdict: Verdict::Unclear,
        }
    }

    /// The change with its interval and p-value; [`settle`] adds the verdict.
    pub(super) fn of(difference: f64, variance: Option<Variance>, threshold: f64) -> Self {
        let unknown = Change::unknown(Some(difference.exp()));
        let Some(variance) = variance.filter(|v| v.value.is_finite() && v.freedom > 0.0) else {
            return unknown;
        };
        let Ok(student) = StudentsT::new(0.0, 1.0, variance.freedom) else {
            return unknown;
        };
        let se = variance.value.sqrt();
        let half = student.inverse_cdf(1.0 - ALPHA / 2.0) * se;
        let beyond = difference.abs() - threshold.ln_1p();
        let p = match (beyond > 0.0, se > 0.0) {
            (false, _) => 1.0,
            (true, false) => 0.0,
            (true, true) => 2.0 * student.sf(beyond / se),
        };
        Change {
            ci95: Some([(difference - half).exp(), (difference + half).exp()]),
            p,
            ..unknown
        }
    }

    fn is_within(&self, threshold: f64) -> bool {
        self.ci95
            .is_some_and(|[low, high]| low >= 1.0 / (1.0 + threshold) && high <= 1.0 + threshold)
    }
}

/// Adjusts the p-values of changes that are looked at together, and gives each its verdict.
pub(super) fn settle(mut family: Vec<&mut Change>, adjust: fn(&[f64]) -> Vec<f64>, threshold: f64) {
    let p: Vec<f64> = family.iter().map(|change| change.p).collect();
    for (change, adjusted) in family.iter_mut().zip(adjust(&p)) {
        change.p_adjusted = adjusted;
        let ratio = change.ratio.unwrap_or(1.0);
        change.verdict = match () {
            () if adjusted <= ALPHA && ratio > 1.0 => Verdict::Slower,
            () if adjusted <= ALPHA => Verdict::Faster,
            () if change.is_within(threshold) => Verdict::Same,
            () => Verdict::Unclear,
        };
    }
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}

/// Holm's step-down procedure: the probability of any wrong rejection stays below the level (Scandinavian Journal
/// of Statistics 6, 1979).
pub(super) fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in ascending(p).into_iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up procedure: the expected part of wrong ones among the rejections stays below
/// the level (Journal of the Royal Statistical Society B 57, 1995).
pub(super) fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut smallest: f64 = 1.0;
    for (rank, index) in ascending(p).into_iter().enumerate().rev() {
        smallest = smallest.min(p.len() as f64 / (rank + 1) as f64 * p[index]);
        adjusted[index] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-9, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn adjustments_agree_with_r() {
        // R: p <- c(0.01, 0.02, 0.03, 0.04, 0.05, 0.9); p.adjust(p, "holm"); p.adjust(p, "BH")
        let p = [0.03, 0.01, 0.9, 0.02, 0.05, 0.04];
        close(&holm(&p), &[0.12, 0.06, 0.9, 0.1, 0.12, 0.12]);
        close(
            &benjamini_hochberg(&p),
            &[0.06, 0.06, 0.9, 0.06, 0.06, 0.06],
        );
        close(&holm(&[]), &[]);
        close(&benjamini_hochberg(&[0.02]), &[0.02]);
    }

    fn estimates(values: &[f64], se: Option<f64>) -> Vec<Estimate> {
        let estimate = |&value| Estimate {
            value,
            se,
            freedom: 9.0,
        };
        values.iter().map(estimate).collect()
    }

    #[test]
    fn repetitions_give_students_interval() {
        // R: t.test(log(c(110, 112, 111)), log(c(100, 101, 99)), var.equal = TRUE)
        let base = estimates(&[100.0, 101.0, 99.0], Some(0.01));
        let new = estimates(&[110.0, 112.0, 111.0], Some(0.01));
        let contrast = Contrast::of(&base, &new).unwrap();
        let change = Change::of(contrast.difference, contrast.variance(), 0.0);
        assert!(
            (change.ratio.unwrap() - 1.110_007).abs() < 1e-5,
            "{change:?}"
        );
        let [low, high] = change.ci95.unwrap().map(f64::ln);
        assert!((low - 0.082_790).abs() < 1e-4, "{low}");
        assert!((high - 0.125_943).abs() < 1e-4, "{high}");
        // Repetitions that agree better than their own samples would have them.
        let loose = Contrast::of(&estimates(&[100.0, 100.0], Some(5.0)), &new).unwrap();
        assert!(loose.variance().unwrap().value > 1e-3);
    }

    #[test]
    fn verdicts_need_the_margin_and_the_interval() {
        let verdict = |difference: f64, se: f64| {
            let variance = Variance {
                value: se * se,
                freedom: 9.0,
            };
            let mut change = Change::of(difference, Some(variance), 0.05);
            settle(vec![&mut change], holm, 0.05);
            change.verdict
        };
        assert_eq!(verdict(0.10, 0.005), Verdict::Slower);
        assert_eq!(verdict(-0.10, 0.005), Verdict::Faster);
        assert_eq!(verdict(0.01, 0.005), Verdict::Same);
        assert_eq!(verdict(0.055, 0.005), Verdict::Unclear);
        assert_eq!(verdict(0.01, 0.05), Verdict::Unclear);
        assert_eq!(verdict(0.10, 0.0), Verdict::Slower);
        let mut nothing = Change::of(0.5, None, 0.05);
        settle(vec![&mut nothing], holm, 0.05);
        assert_eq!(nothing.verdict, Verdict::Unclear);
    }
}
