//! The operator's lever, and what he sees before he pulls it.

use super::Proxy;
use crate::breaker::{Mode, Report, Turn};
use std::time::Duration;

impl Proxy {
    /// Changes what the breakers' verdicts are worth, for `time` or until the next word.
    pub fn set_breaker_mode(&self, mode: Mode, time: Option<Duration>) -> Turn {
        self.judge.order(mode, time)
    }

    /// How the breakers stand.
    pub fn breaker_report(&self) -> Report {
        self.judge.report()
    }
}
