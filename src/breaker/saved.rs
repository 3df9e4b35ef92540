//! What of the breakers outlives the process: plain data, for whoever writes it down.
//!
//! All times are lengths, counted from the moment of the snapshot or back from the moment of the
//! restoring: the monotonic clock means nothing to another process, and the wall clock is not
//! known here. What comes back is not believed further than the settings allow, since wall clocks
//! jump: nothing is open for longer than it was opened for, nor than `breaker.open.max`, and what
//! is older than twice its open time is dropped.
//!
//! Probes do not outlive their process. A breaker that was half-open comes back as open with its
//! time over, so the next call is the probe.

use super::call::State;
use super::change::Level;
use super::circuit::Circuit;
use super::{Breakers, Settings};
use std::time::{Duration, Instant};

/// One breaker.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// A path stands here whole, or its breaker is not saved at all.
    pub level: Level,
    pub state: State,
    pub tally: Tally,
    /// How long it is (or was last) opened for, with jitter; zero while closed.
    pub open_for: Duration,
    /// What is left of that.
    pub remaining: Duration,
    /// The open time reached by doubling, before jitter.
    pub open_time: Duration,
    /// How long ago this was so; zero in a snapshot.
    pub age: Duration,
}

/// What a closed breaker has counted. The other states have nothing on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Outcomes in the window.
    pub total: u32,
    /// Slow ones among `total`.
    pub slow: u32,
    /// Failures of the connection among `total`.
    pub transport: u32,
    /// All other failures among `total`.
    pub answers: u32,
    /// Failures in a row, of the connection.
    pub transport_run: u32,
    /// Failures in a row, all others.
    pub answers_run: u32,
    /// From how many paths `answers` came; 3 stands for more, here and below.
    pub answers_paths: u8,
    /// From how many paths `slow` came.
    pub slow_paths: u8,
    /// From how many paths `answers_run` came.
    pub run_paths: u8,
}

/// What has to be written down.
#[derive(Clone, Debug, PartialEq)]
pub enum Unsaved {
    /// As the last time.
    Nothing,
    /// No state has changed: the application's breaker with its new counts.
    Counts(Box<Saved>),
    /// A state has changed: all that is to be known. A path that is not in it has no record.
    All(Vec<Saved>),
}

/// What tells two moments apart without a look at every path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    generation: u64,
    asked: u64,
    tally: Tally,
}

/// Longer names (bytes) are cut for the log, and a cut name would be another path.
pub const LONGEST_NAME: usize = super::paths::NAME_LENGTH;

impl Breakers {
    /// The application's breaker, and those of paths that are not closed and whose path is at most
    /// [`LONGEST_NAME`] long: 10,001 at most.
    pub fn snapshot(&mut self, now: Instant) -> Vec<Saved> {
        let application = self.application.saved(now, 0);
        let pardon = self.application.last_closing();
        let troubled = self.paths.named().filter(|path| path.state() != State::Closed);
        let paths = troubled.map(|path| path.saved(now, pardon)).collect::<Vec<_>>();
        std::iter::once(application).chain(paths).collect()
    }

    /// Brings back what is not too old, and says what that was. To be called before the first call
    /// is admitted.
    pub fn restore(&mut self, saved: Vec<Saved>, now: Instant) -> Vec<Saved> {
        let given = saved.len();
        let mut restored = Vec::new();
        for saved in saved {
            if let Some(saved) = saved.within(&self.shared.settings)
                && self.take_in(&saved, now)
            {
                restored.push(saved);
            }
        }
        // What was dropped is to be forgotten by whoever wrote it down, too.
        self.saved = (restored.len() == given).then(|| self.mark(now));
        self.adopt(self.shared.mode);
        restored
    }

    /// What has changed since the last time this was asked. Being asked counts as a change, so
    /// that what is remembered of a breaker in use is not older than the process.
    pub fn take_unsaved(&mut self, now: Instant) -> Unsaved {
        self.settle(now);
        let mark = self.mark(now);
        match self.saved.replace(mark) {
            Some(last) if mark == last => Unsaved::Nothing,
            Some(last) if mark.generation == last.generation => {
                Unsaved::Counts(Box::new(self.application.saved(now, 0)))
            }
            _ => Unsaved::All(self.snapshot(now)),
        }
    }

    /// False when there is no room.
    fn take_in(&mut self, saved: &Saved, now: Instant) -> bool {
        let since = self.shared.next_generation();
        let circuit = Circuit::restored(saved, since, now, &self.shared.settings);
        match &saved.level {
            Level::Path(path) => self.paths.restore(path, circuit),
            Level::Application => {
                self.application = circuit;
                true
            }
        }
    }

    fn mark(&mut self, now: Instant) -> Mark {
        let (generation, asked) = (self.shared.generation(), self.asked);
        Mark { generation, asked, tally: self.application.tally(now) }
    }
}

impl Saved {
    /// As far as the settings let it be believed; `None`: too old, or nothing to keep.
    fn within(mut self, settings: &Settings) -> Option<Self> {
        self.open_time = self.open_time.max(settings.open_min).min(settings.open_max);
        if self.state == State::Closed {
            (self.open_for, self.remaining) = (Duration::ZERO, Duration::ZERO);
        }
        self.open_for = self.open_for.min(settings.open_max);
        self.remaining = self.remaining.min(self.open_for);
        let oldest = self.open_for.max(self.open_time).saturating_mul(2);
        let is_whole = match &self.level {
            Level::Application => true,
            Level::Path(path) => self.state != State::Closed && path.len() <= LONGEST_NAME,
        };
        (is_whole && self.age <= oldest).then_some(self)
    }
}
