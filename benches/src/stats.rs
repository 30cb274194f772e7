//! Percentiles, and how something grows.

/// The value below which this share of `values` lies; nothing of no values.
pub(crate) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = (share * last as f64).round() as usize;
    sorted.get(place).copied()
}

/// The middle of `values`.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    percentile(values, 0.5)
}

/// Sizes below this say little about growth.
const SIZES_MIN: usize = 4;

/// The exponent `k` of the power law `c · n^k` that fits these points best: the slope of the
/// least-squares line through their logarithms. 0 is flat, 1 is in proportion.
///
/// Nothing where there are fewer than four sizes, or where a value is not positive.
pub(crate) fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let is_usable = points.iter().all(|&(n, value)| n > 0.0 && value > 0.0);
    if points.len() < SIZES_MIN || !is_usable {
        return None;
    }
    let logs: Vec<(f64, f64)> = points
        .iter()
        .map(|&(n, value)| (n.ln(), value.ln()))
        .collect();
    let count = logs.len() as f64;
    let mean_n = logs.iter().map(|log| log.0).sum::<f64>() / count;
    let mean_value = logs.iter().map(|log| log.1).sum::<f64>() / count;
    let (mut both, mut spread) = (0.0, 0.0);
    for (n, value) in logs {
        both += (n - mean_n) * (value - mean_value);
        spread += (n - mean_n).powi(2);
    }
    (spread > 0.0).then(|| both / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_exponent(law: impl Fn(f64) -> f64, expected: f64) {
        let points = [10.0, 100.0, 1_000.0, 10_000.0].map(|n| (n, law(n)));
        let found = exponent(&points).unwrap();
        assert!((found - expected).abs() < 1e-9, "{found}");
    }

    #[test]
    fn a_power_law_is_found_out() {
        check_exponent(|_| 7.0, 0.0);
        check_exponent(|n| 3.0 * n, 1.0);
        check_exponent(|n| 0.5 * n * n, 2.0);
        check_exponent(|n| 9.0 / n.sqrt(), -0.5);
    }

    #[test]
    fn noise_around_a_law_hides_little_of_it() {
        let points = [
            (10.0, 11.0),
            (100.0, 95.0),
            (1_000.0, 1_080.0),
            (10_000.0, 9_300.0),
        ];
        let found = exponent(&points).unwrap();
        assert!((found - 1.0).abs() < 0.03, "{found}");
    }

    #[test]
    fn too_little_says_nothing_about_growth() {
        let three = [(1.0, 1.0), (10.0, 10.0), (100.0, 100.0)];
        assert_eq!(exponent(&three), None);
        let same_size = [(5.0, 1.0); 4];
        assert_eq!(exponent(&same_size), None);
        let with_zero = [(1.0, 0.0), (10.0, 1.0), (100.0, 1.0), (1_000.0, 1.0)];
        assert_eq!(exponent(&with_zero), None);
    }

    #[test]
    fn percentiles_are_values_that_there_were() {
        let values: Vec<f64> = (1..=101).rev().map(f64::from).collect();
        assert_eq!(median(&values), Some(51.0));
        assert_eq!(percentile(&values, 0.99), Some(100.0));
        assert_eq!(percentile(&values, 0.0), Some(1.0));
        assert_eq!(percentile(&values, 1.0), Some(101.0));
        assert_eq!(percentile(&[4.0], 0.99), Some(4.0));
        assert_eq!(median(&[]), None);
    }
}
