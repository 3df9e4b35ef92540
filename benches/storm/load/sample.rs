//! One request and what came of it.

use super::answer::Seen;
use crate::page::Wanted;
use std::time::Duration;

#[derive(Clone)]
pub struct Sample {
    /// When it had to be asked, from the begin of the load.
    pub due: Duration,
    /// How much later than that it was asked.
    pub late: Duration,
    /// From when it was due to the last byte of the answer, or to when the visitor left.
    pub took: Duration,
    pub wanted: Wanted,
    pub seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The page, fresh.
    Backend,
    /// The page, a copy: `cache` or `last-known-success`.
    Rescued,
    /// 200, and not the page that was asked for, or not for whom.
    Wrong,
    /// RETTER's own 502, 503 or 504.
    Refused,
    /// The application's own error.
    Error,
    /// No answer in time.
    Lost,
    /// No connection, or no whole answer.
    Broken,
}

impl Kind {
    pub fn is_good(self) -> bool {
        matches!(self, Self::Backend | Self::Rescued)
    }
}

impl Sample {
    pub fn end(&self) -> Duration {
        self.due + self.took
    }

    pub fn is_good(&self) -> bool {
        self.seen.kind.is_good()
    }

    pub fn is_fresh(&self) -> bool {
        self.seen.kind == Kind::Backend
    }
}
