//! How weak the weak application is at the moment, and how `/set` changes that.

use std::fmt;
use std::time::Duration;

/// Answer times and failures. The default is an application that is well.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weakness {
    /// The shortest time an answer takes.
    pub fastest: Duration,
    /// The longest time an answer takes, at least `fastest`.
    pub slowest: Duration,
    /// How likely an answer is a 500: from 0 (never) to 1 (always).
    pub failure: f64,
}

impl Weakness {
    /// These settings with the ones that `query` names replaced: `f` and `s` for the fastest and
    /// slowest answer in seconds, `e` for the probability of a failure.
    ///
    /// # Errors
    /// The first parameter that cannot be used; nothing is changed then.
    pub fn changed_by(mut self, query: &str) -> Result<Self, Mistake> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "f" => self.fastest = seconds("f", value)?,
                "s" => self.slowest = seconds("s", value)?,
                "e" => self.failure = probability(value)?,
                _ => return Err(Mistake::Unknown(name.to_owned())),
            }
        }
        if self.fastest > self.slowest {
            return Err(Mistake::Crossed(self.fastest, self.slowest));
        }
        Ok(self)
    }

    /// The time between fastest and slowest at `at`, which runs from 0 to 1.
    pub fn delay(&self, at: f64) -> Duration {
        self.fastest + self.slowest.saturating_sub(self.fastest).mul_f64(at)
    }

    /// Whether the answer fails that drew `draw` from 0 (included) to 1 (excluded).
    pub fn fails(&self, draw: f64) -> bool {
        draw < self.failure
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fastest, slowest) = (self.fastest.as_secs_f64(), self.slowest.as_secs_f64());
        write!(out, "fastest {fastest} s, slowest {slowest} s, failure {}", self.failure)
    }
}

/// Why `/set` changed nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Mistake {
    #[error("{0}={1:?} is no answer time: seconds from 0 to {MAX_SECONDS} are, such as 0.5")]
    Seconds(&'static str, String),
    #[error("e={0:?} is no probability: a number from 0 to 1 is, such as 0.3")]
    Probability(String),
    #[error("the fastest answer ({0:?}) would take longer than the slowest ({1:?}): set f and s")]
    Crossed(Duration, Duration),
    #[error("{0:?} cannot be set: f (fastest), s (slowest) and e (failure probability) can")]
    Unknown(String),
}

fn seconds(name: &'static str, value: &str) -> Result<Duration, Mistake> {
    within(value, MAX_SECONDS)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| Mistake::Seconds(name, value.to_owned()))
}

fn probability(value: &str) -> Result<f64, Mistake> {
    within(value, 1.0).ok_or_else(|| Mistake::Probability(value.to_owned()))
}

/// The number that `value` spells, if it lies between 0 and `limit`; `NaN` lies nowhere.
fn within(value: &str, limit: f64) -> Option<f64> {
    value.parse().ok().filter(|number| (0.0..=limit).contains(number))
}

/// An hour: longer than anybody waits, and far from what a `Duration` cannot hold.
const MAX_SECONDS: f64 = 3600.0;

#[cfg(test)]
mod tests {
    use super::*;

    const START: Weakness = Weakness {
        fastest: Duration::from_millis(100),
        slowest: Duration::from_millis(300),
        failure: 0.2,
    };

    #[test]
    fn fractions_and_equal_times_are_fine() {
        let set = START.changed_by("f=0.25&s=0.25&e=1").expect("all three are usable");
        assert_eq!(set.fastest, Duration::from_millis(250));
        assert_eq!((set.slowest, set.failure), (set.fastest, 1.0));
        assert_eq!(set.delay(0.7), set.fastest);
    }

    #[test]
    fn what_is_not_named_keeps_its_value() {
        assert_eq!(START.changed_by(""), Ok(START));
        assert_eq!(START.changed_by("e=0"), Ok(Weakness { failure: 0.0, ..START }));
    }

    #[test]
    fn a_mistake_says_what_is_wrong_and_changes_nothing() {
        for (query, told) in [
            ("f=banana", "f=\"banana\""),
            ("s=-1", "s=\"-1\""),
            ("s=NaN", "s=\"NaN\""),
            ("s=inf", "s=\"inf\""),
            ("s=1e300", "s=\"1e300\""),
            ("s", "s=\"\""),
            ("e=1.01", "e=\"1.01\""),
            ("f=2", "longer than the slowest"),
            ("x=1", "\"x\" cannot be set"),
        ] {
            let mistake = START.changed_by(query).expect_err(query).to_string();
            assert!(mistake.contains(told), "{query}: {mistake}");
        }
    }

    #[test]
    fn delays_run_from_fastest_to_slowest() {
        assert_eq!(START.delay(0.0), START.fastest);
        assert_eq!(START.delay(1.0), START.slowest);
        assert_eq!(START.delay(0.5), Duration::from_millis(200));
    }

    #[test]
    fn probability_one_always_fails_and_zero_never() {
        assert!(Weakness { failure: 1.0, ..START }.fails(0.999_999));
        assert!(!Weakness { failure: 0.0, ..START }.fails(0.0));
    }
}
