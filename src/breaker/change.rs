//! What is told of every change of state: from, to, why, and the numbers that did it.

use super::call::State;
use std::fmt;
use std::time::Duration;

/// One change of one breaker. `Display` is the log line.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub level: Level,
    pub from: State,
    pub to: State,
    pub reason: Reason,
    pub numbers: Numbers,
    /// Nothing has happened: it is what would have (`breaker.mode = dry`).
    pub dry: bool,
}

/// Whose breaker it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    Application,
    /// The path, cut to a length that fits a log line.
    Path(String),
}

/// Why a breaker changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Closed to Open: `breaker.consecutive.fail`.
    ConsecutiveFailures,
    /// Closed to Open: `breaker.fail.rate`.
    FailureRate,
    /// Closed to Open: `breaker.slow.rate`.
    SlowRate,
    /// Closed to Open: calls are overdue and nothing has ended since the oldest of them began.
    TotalHang,
    /// Open to HalfOpen: the open time is over and a probe was admitted.
    TimeElapsed,
    /// Open to HalfOpen, a path only: the application's own breaker has closed meanwhile.
    ApplicationClosed,
    /// HalfOpen to Open.
    ProbeFailed,
    /// HalfOpen to Open, while the probe is still inside.
    ProbeOverdue,
    /// HalfOpen to Closed: `breaker.close` good ones in a row.
    ProbesSucceeded,
    /// To Closed: the operator has said so.
    Operator,
}

/// What the breaker had counted at the moment of the change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Failures in the window.
    pub failures: u32,
    /// Outcomes in the window, and overdue calls that are still inside.
    pub total: u32,
    /// Slow calls among `total`.
    pub slow: u32,
    /// Failures in a row.
    pub consecutive: u32,
    /// How long the breaker stays open, if it has opened.
    pub open_for: Option<Duration>,
}

impl Reason {
    /// Did calls hang, or take too long?
    pub(super) fn is_slowness(self) -> bool {
        matches!(self, Reason::TotalHang | Reason::SlowRate | Reason::ProbeOverdue)
    }

    /// The words for log and metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ConsecutiveFailures => "consecutive failures",
            Reason::FailureRate => "failure rate",
            Reason::SlowRate => "slow rate",
            Reason::TotalHang => "total hang",
            Reason::TimeElapsed => "open time over, probing",
            Reason::ApplicationClosed => "application is back, probing",
            Reason::ProbeFailed => "probe failed",
            Reason::ProbeOverdue => "probe overdue",
            Reason::ProbesSucceeded => "probes succeeded",
            Reason::Operator => "by the operator",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to, why) = (self.from.as_str(), self.to.as_str(), self.reason.as_str());
        let dry = if self.dry { " would change" } else { "" };
        write!(f, "breaker of {}{dry}: {from} -> {to}, {why} ({})", self.level, self.numbers)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Application => f.write_str("the application"),
            // Escaped: a path is a stranger's text and must stay on its line.
            Level::Path(path) => write!(f, "path {path:?}"),
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failures, total, slow, consecutive, open_for } = self;
        write!(f, "{failures} failed and {slow} slow of {total}, {consecutive} failed in a row")?;
        match open_for {
            Some(time) => write!(f, ", open for {:.1} s", time.as_secs_f64()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(level: Level) -> Change {
        let numbers = Numbers {
            failures: 5,
            total: 7,
            slow: 1,
            consecutive: 5,
            open_for: Some(Duration::from_millis(5_340)),
        };
        let reason = Reason::ConsecutiveFailures;
        Change { level, from: State::Closed, to: State::Open, reason, numbers, dry: false }
    }

    #[test]
    fn a_dry_change_says_that_it_only_would_have_been() {
        let line = Change { dry: true, ..opened(Level::Path("/a".into())) }.to_string();
        assert!(
            line.starts_with("breaker of path \"/a\" would change: CLOSED -> OPEN, "),
            "{line}"
        );
    }

    #[test]
    fn a_change_reads_as_one_log_line_with_reason_and_numbers() {
        assert_eq!(
            opened(Level::Application).to_string(),
            "breaker of the application: CLOSED -> OPEN, consecutive failures \
             (5 failed and 1 slow of 7, 5 failed in a row, open for 5.3 s)"
        );
    }

    #[test]
    fn a_hostile_path_cannot_forge_a_log_line() {
        let line = opened(Level::Path("/a\nbreaker of the application".into())).to_string();
        assert!(!line.contains('\n'), "{line}");
    }
}
