//! What one breaker has seen in its present generation, and whether that is enough to open.
//!
//! Four signs, the plainest first: failures in a row, the share of failures, a total hang, the
//! share of slow calls. Calls that are still inside and overdue count among the slow ones, so a
//! hang is seen while it lasts and not when its timeouts come in.
//!
//! Answers (failure statuses, timeouts, broken bodies, slowness) speak for the page that was
//! asked for; a failed connection speaks for the application. So answers count only when they
//! come from `enough` paths, and where they do not they still count among the outcomes: an
//! application that answers 500 on one page is alive.

use super::call::{Fault, Outcome, Permit};
use super::change::{Numbers, Reason};
use super::inside::Inside;
use super::run::Run;
use super::saved::Tally;
use super::settings::Settings;
use super::window::{Counts, Window};
use std::time::{Duration, Instant};

/// The counts of one breaker. Plain data.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// From so many paths answers must come to count.
    enough: usize,
    window: Window,
    run: Run,
    inside: Inside,
    /// When the application last got to the end of an answer, good or bad.
    last_answer: Option<Instant>,
}

impl Evidence {
    /// `last_answer`: what is known of the time before; a path that was never in trouble before
    /// has no records, so it starts with the benefit of the doubt.
    pub(super) fn new(span: Duration, enough: usize, last_answer: Option<Instant>) -> Self {
        let (run, inside) = (Run::default(), Inside::default());
        Self { enough, window: Window::new(span), run, inside, last_answer }
    }

    /// A call is now too slow and still inside.
    pub(super) fn overdue(&mut self, permit: &Permit, now: Instant) {
        self.window.advance(now);
        self.inside.enter(permit);
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, permit: &Permit, outcome: Outcome, now: Instant) {
        self.inside.leave(permit);
        if outcome.is_answer() {
            self.last_answer = Some(now);
        }
        let mut counts = Counts { total: 1, slow: permit.is_overdue().into(), ..Counts::default() };
        match outcome {
            Outcome::Good => self.run.end(),
            Outcome::Failed(Fault::Transport) => {
                counts.transport = 1;
                self.run.transport();
            }
            Outcome::Failed(_) => {
                counts.answers = 1;
                self.run.answer(permit.path);
            }
        }
        self.window.add(permit.path, counts, now);
    }

    /// The client has left. That is nobody's failure, but the application had its `slow_time`.
    pub(super) fn left(&mut self, permit: &Permit) {
        self.inside.leave(permit);
        if let Some(then) = permit.overdue {
            let slow = Counts { total: 1, slow: 1, ..Counts::default() };
            self.window.add(permit.path, slow, then);
        }
    }

    /// Why the breaker must open, as of the last thing seen.
    pub(super) fn verdict(&self, settings: &Settings, room: u32) -> Option<Reason> {
        if self.is_failing_in_a_row(settings) {
            Some(Reason::ConsecutiveFailures)
        } else if self.is_failing_too_often(settings) {
            Some(Reason::FailureRate)
        } else if self.is_hanging(settings, room) {
            Some(Reason::TotalHang)
        } else if self.is_slow_too_often(settings) {
            Some(Reason::SlowRate)
        } else {
            None
        }
    }

    pub(super) fn numbers(&self) -> Numbers {
        let (counts, inside) = (self.window.counts(), self.inside.len());
        Numbers {
            failures: counts.failures(),
            total: counts.total.saturating_add(inside),
            slow: counts.slow.saturating_add(inside),
            consecutive: self.run.len(),
            open_for: None,
        }
    }

    pub(super) fn numbers_at(&mut self, now: Instant) -> Numbers {
        self.window.advance(now);
        self.numbers()
    }

    pub(super) fn tally(&mut self, now: Instant) -> Tally {
        self.window.advance(now);
        let Counts { total, transport, answers, slow } = self.window.counts();
        let transport_run = self.run.transport_len();
        Tally {
            total,
            slow,
            transport,
            answers,
            transport_run,
            answers_run: self.run.len() - transport_run,
            // At most three.
            answers_paths: self.window.failing_paths().count() as u8,
            slow_paths: self.window.slow_paths().count() as u8,
            run_paths: self.run.paths() as u8,
        }
    }

    /// What was counted before a restart, as of `then`.
    pub(super) fn restore(&mut self, tally: &Tally, then: Instant) {
        let Tally { total, transport, answers, slow, .. } = *tally;
        let (failing, slow_paths) = (tally.answers_paths.into(), tally.slow_paths.into());
        let ended = Counts { total, transport, answers, slow };
        self.window.restore(ended, failing, slow_paths, then);
        self.run = Run::restored(tally.transport_run, tally.answers_run, tally.run_paths.into());
    }

    /// Is there nothing left that could speak against the application?
    pub(super) fn is_clean(&mut self, now: Instant) -> bool {
        self.window.advance(now);
        let numbers = self.numbers();
        numbers.failures == 0 && numbers.slow == 0 && numbers.consecutive == 0
    }

    /// Starts a new generation. When the application last answered stays known: it is no verdict.
    pub(super) fn clear(&mut self) {
        self.window.clear();
        self.run.end();
        self.inside.clear();
    }

    fn is_failing_in_a_row(&self, settings: &Settings) -> bool {
        let limit = settings.consecutive_fail;
        limit > 0 && self.run.counted(self.enough) >= limit
    }

    fn is_failing_too_often(&self, settings: &Settings) -> bool {
        let counts = self.window.counts();
        let failures = match self.window.failing_paths().count() >= self.enough {
            true => counts.failures(),
            false => counts.transport,
        };
        counts.total >= settings.minimum && is_above(failures, counts.total, settings.fail_rate)
    }

    /// Nothing has ended since the oldest overdue call began, whatever ended before; and such calls
    /// are many, or all that are let in.
    fn is_hanging(&self, settings: &Settings, room: u32) -> bool {
        let limit = settings.consecutive_fail;
        let silent = self.inside.oldest().is_some_and(|oldest| self.last_answer < Some(oldest));
        let spread = self.inside.paths_with(std::iter::empty()) >= self.enough;
        limit > 0 && silent && spread && self.inside.len() >= limit.min(room)
    }

    fn is_slow_too_often(&self, settings: &Settings) -> bool {
        let Numbers { total, slow, .. } = self.numbers();
        let spread = self.inside.paths_with(self.window.slow_paths()) >= self.enough;
        spread && total >= settings.minimum && is_above(slow, total, settings.slow_rate)
    }

    #[cfg(test)]
    pub(super) fn inside(&self) -> usize {
        self.inside.len() as usize
    }
}

fn is_above(part: u32, total: u32, rate: f64) -> bool {
    total > 0 && f64::from(part) / f64::from(total) > rate
}
