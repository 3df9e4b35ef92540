//! Quantiles by the nearest rank: a value that was measured, never one in between.

/// The value that this part of the values (0.99) does not exceed; none without values.
pub fn quantile(values: &mut [f64], part: f64) -> Option<f64> {
    let rank = (values.len() as f64 * part).ceil() as usize;
    let at = rank.max(1) - 1;
    if at >= values.len() {
        return None;
    }
    Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
}

/// How many of a hundred; none of none.
pub fn percent(some: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| some as f64 * 100.0 / all as f64)
}
