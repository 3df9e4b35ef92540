//! What the operator says about the breaker (`breaker.*`).

use super::hand::Mode;
use http::StatusCode;
use std::ops::RangeInclusive;
use std::time::Duration;

/// One set of numbers for both levels. Whoever builds it has checked it: rates lie between 0 and
/// 1, and `open_min` is not above `open_max`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `breaker.mode`: what holds until the operator says otherwise.
    pub mode: Mode,
    /// `breaker.fail.rate`, 0 to 1: a share of failures above it opens.
    pub fail_rate: f64,
    /// `breaker.consecutive.fail`: so many failures in a row open at any volume, and so many
    /// overdue calls with nothing else ending are a total hang. 0 turns both rules off.
    pub consecutive_fail: u32,
    /// `breaker.window`: how far back the two rates look.
    pub window: Duration,
    /// `breaker.minimum`: fewer outcomes in the window than this have no rate.
    pub minimum: u32,
    /// `breaker.slow.time`: a call without a sign of the application for so long is overdue. The
    /// caller's timers use it; the breaker hears of it through `Breakers::overdue`.
    pub slow_time: Duration,
    /// `breaker.slow.rate`, 0 to 1: a share of slow calls above it opens.
    pub slow_rate: f64,
    /// `breaker.open.min`: the first open time.
    pub open_min: Duration,
    /// `breaker.open.max`: no open time is longer.
    pub open_max: Duration,
    /// `breaker.probes`: how many may be inside at one time; 0 is taken as 1, because a breaker
    /// without probes could never close.
    pub probes: u32,
    /// `breaker.close`: so many good probes in a row close.
    pub close: u32,
    /// `backend.timeout`: a probe not heard of for so long has lost its place.
    pub lease: Duration,
    /// `breaker.statuses`: the statuses that are failures.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// `breaker.ignore`: globs of paths whose bad answers are not counted (long polling, reports). An
    /// application that cannot be reached is no path's affair and counts all the same.
    pub ignore: Vec<globset::GlobMatcher>,
}

impl Settings {
    /// Does this status say that the application has failed? 4xx is the application being alive.
    pub fn is_failure(&self, status: StatusCode) -> bool {
        let code = status.as_u16();
        self.statuses.iter().any(|range| range.contains(&code))
    }

    /// Do slow, failed and broken answers of this path say nothing about the application?
    pub fn is_ignored(&self, path: &str) -> bool {
        self.ignore.iter().any(|glob| glob.is_match(path))
    }
}

#[cfg(test)]
mod tests {
    use crate::breaker::tests::settings;
    use http::StatusCode;

    #[test]
    fn a_failure_is_5xx_but_not_501_and_505() {
        let failing = |code| settings().is_failure(StatusCode::from_u16(code).unwrap());
        assert!([500, 502, 503, 504, 506, 599].into_iter().all(failing));
        assert!(![200, 304, 404, 429, 499, 501, 505].into_iter().any(failing));
    }
}
