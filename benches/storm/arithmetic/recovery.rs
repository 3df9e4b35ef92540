//! When it was over: the first whole second, looked for in steps of a tenth, in which nearly all
//! answers were fresh.

/// Seconds from the healing to the beginning of that second; none if it never came.
///
/// `answers` are the times of answers since the healing, in any order, and whether each was fresh.
/// The last second that is looked at ends at `end`.
pub fn recovery(answers: &[(f64, bool)], end: f64) -> Option<f64> {
    let mut answers = answers.to_vec();
    answers.sort_by(|one, other| one.0.total_cmp(&other.0));
    let steps = ((end - SECOND) / STEP).floor();
    (0..=steps.max(-1.0) as i64).map(|step| step as f64 * STEP).find(|from| {
        let first = answers.partition_point(|answer| answer.0 < *from);
        let behind = answers.partition_point(|answer| answer.0 < from + SECOND);
        nearly_all_fresh(&answers[first..behind])
    })
}

/// A second without answers is no good second.
fn nearly_all_fresh(answers: &[(f64, bool)]) -> bool {
    let fresh = answers.iter().filter(|answer| answer.1).count();
    !answers.is_empty() && fresh as f64 >= answers.len() as f64 * ENOUGH
}

const SECOND: f64 = 1.0;
const STEP: f64 = 0.1;
const ENOUGH: f64 = 0.95;
