//! The lines of a dump that tell of breakers.

use super::line::Line;
use super::words::{duration, escaped};
use crate::breaker::{Level, State};
use crate::clock::UnixMillis;
use crate::store::breakers::{Damaged, Remembered};
use serde::Serialize;

/// What the file remembers of one breaker. The names are written down in [`super`].
#[derive(Serialize)]
pub(super) struct BreakerLine<'a> {
    kind: &'static str,
    level: &'static str,
    path: Option<&'a str>,
    state: &'static str,
    failures: u32,
    slow: u32,
    total: u32,
    open_until: Option<u64>,
    open_for_seconds: f64,
    saved_at: u64,
    #[serde(skip)]
    now: UnixMillis,
}

impl<'a> BreakerLine<'a> {
    pub(super) fn new(breaker: &'a Remembered, now: UnixMillis) -> Self {
        let (level, path) = match &breaker.level {
            Level::Application => ("application", None),
            Level::Path(path) => ("path", Some(path.as_str())),
        };
        let open = breaker.state == State::Open;
        Self {
            kind: "breaker",
            level,
            path,
            state: breaker.state.as_str(),
            failures: breaker.tally.transport + breaker.tally.answers,
            slow: breaker.tally.slow,
            total: breaker.tally.total,
            open_until: open.then_some(breaker.open_until.0),
            open_for_seconds: breaker.open_for.as_secs_f64(),
            saved_at: breaker.saved_at.0,
            now,
        }
    }

    fn until(&self) -> String {
        match self.open_until.map(UnixMillis) {
            None => "-".to_owned(),
            Some(end) if end <= self.now => "a probe may go through".to_owned(),
            Some(end) => format!("open for {} more", duration(end.since(self.now))),
        }
    }
}

impl Line for BreakerLine<'_> {
    /// The word `breaker`, whose, state, how long, counts, when it was written.
    fn text(&self) -> String {
        let whose = self.path.map_or_else(|| self.level.into(), escaped);
        let counts = format!("{} failed and {} slow of {}", self.failures, self.slow, self.total);
        let saved = format!("saved {} ago", duration(self.now.since(UnixMillis(self.saved_at))));
        [self.kind, &whose, self.state, &self.until(), &counts, &saved].join("\t")
    }
}

/// A breaker's row that cannot be believed.
#[derive(Serialize)]
pub(super) struct DamagedLine<'a> {
    kind: &'static str,
    name: &'a str,
    reason: &'static str,
}

impl<'a> DamagedLine<'a> {
    pub(super) fn new(damaged: &'a Damaged) -> Self {
        Self { kind: "unreadable-breaker", name: &damaged.name, reason: damaged.reason }
    }
}

impl Line for DamagedLine<'_> {
    fn text(&self) -> String {
        format!("breaker\t{}\tunreadable: {}", escaped(self.name), self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::Tally;
    use std::time::Duration;

    #[test]
    fn an_open_breaker_says_whose_it_is_and_for_how_long() {
        let breaker = Remembered {
            level: Level::Path("/a\tb".to_owned()),
            state: State::Open,
            tally: Tally { total: 5, answers: 4, slow: 1, ..Tally::default() },
            open_for: Duration::from_secs(10),
            open_until: UnixMillis(9_000),
            open_time: Duration::from_secs(10),
            saved_at: UnixMillis(1_000),
        };
        let text = BreakerLine::new(&breaker, UnixMillis(4_000)).text();
        assert!(text.starts_with("breaker\t/a\\u{9}b\tOPEN\topen for 5s more\t"), "{text}");
        assert!(text.ends_with("\t4 failed and 1 slow of 5\tsaved 3s ago"), "{text}");
        let later = BreakerLine::new(&breaker, UnixMillis(9_000)).text();
        assert!(later.contains("\ta probe may go through\t"), "{later}");
    }
}
