//! The operator's hand over both levels: for the hour in which he knows better than the evidence.
//!
//! There is one standing mode (`breaker.mode`, or what was ordered without a time), and over it at
//! most one for a time. When that time is over the standing one holds again, by itself: an order that
//! somebody forgets on a bad night must not be found in the morning. A second order for a time takes
//! the place of the first, an order without one takes the place of both. More than that would be a
//! stack nobody could tell the bottom of.
//!
//! The hand lies over the breakers and does not replace them. Forced open, nothing new comes in, so
//! they go on from where they were: calls that were inside still count, open times run down, and
//! back in `auto` a breaker whose time is over tries with one probe. Forced closed, all of them are
//! closed at once and what ends is counted and not acted upon: back in `auto` the next answer is
//! judged with what was counted, and an operator who knows that a verdict was wrong is rid of it.
//! Dry, they judge as ever; a call they would have refused goes all the same and says nothing, as
//! the call that was never made would have said nothing.

use super::Breakers;
use super::circuit::SHORTEST_WAIT;
use super::settings::Settings;
use std::fmt;
use std::time::{Duration, Instant};

/// What the breakers' verdicts are worth (`breaker.mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They hold.
    #[default]
    Auto,
    /// The application is not asked, whatever they say.
    Open,
    /// It is asked, whatever they say; what comes of it is counted.
    Closed,
    /// It is asked, and every change is told as what would have been done.
    Dry,
}

impl Mode {
    pub const ALL: [Mode; 4] = [Mode::Auto, Mode::Open, Mode::Closed, Mode::Dry];

    /// The word for settings, `retter ctl` and log.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Auto => "auto",
            Mode::Open => "open",
            Mode::Closed => "closed",
            Mode::Dry => "dry",
        }
    }

    /// The mode of that exact word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Which mode holds, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub mode: Mode,
    /// `None`: until somebody says otherwise.
    pub rest: Option<Rest>,
}

/// What is left of the time of a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    pub left: Duration,
    /// What holds after it.
    pub then: Mode,
}

/// One change of mode. `Display` is the log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub by: By,
    pub from: Held,
    pub to: Held,
    /// How many breakers of paths were closed with it.
    pub paths_closed: usize,
}

impl Turn {
    /// The application was not asked before, and is now.
    pub fn ends_open(&self) -> bool {
        self.from.mode == Mode::Open && self.to.mode != Mode::Open
    }
}

/// Who changed the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Operator,
    /// The time of the mode before was over.
    Time,
}

/// The standing mode, and the one for a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand {
    standing: Mode,
    passing: Option<Passing>,
}

#[derive(Clone, Copy, Debug)]
struct Passing {
    mode: Mode,
    until: Instant,
}

/// Nobody is told to stay away for longer because of the operator's time: he may well be done before.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

impl Breakers {
    /// The operator's word, for `time` or until the next one.
    pub fn order(&mut self, mode: Mode, time: Option<Duration>, now: Instant) -> Turn {
        self.settle(now);
        let from = self.hand.held(now);
        self.hand.lay(mode, time, now);
        self.turn(By::Operator, from, now)
    }

    /// Does the operator keep everybody out?
    pub fn is_forced_open(&self, now: Instant) -> bool {
        self.hand.mode(now) == Mode::Open
    }

    /// Lifts a mode whose time is over. Everything that is given `now` does it first, so nothing is
    /// ever decided by a mode that has ended.
    pub(super) fn settle(&mut self, now: Instant) {
        if let Some(from) = self.hand.lift_if_over(now) {
            self.lapse = Some(self.turn(By::Time, from, now));
        }
    }

    /// The end of a mode's time that was not told yet, to be logged.
    pub fn take_lapse(&mut self) -> Option<Turn> {
        self.lapse.take()
    }

    /// Makes what was just ordered so.
    pub(super) fn adopt(&mut self, mode: Mode) -> usize {
        let mut paths_closed = 0;
        if mode == Mode::Closed {
            self.application.close_by_hand(&mut self.shared);
            paths_closed = self.paths.close_by_hand(&mut self.shared);
        }
        self.shared.mode = mode;
        paths_closed
    }

    fn turn(&mut self, by: By, from: Held, now: Instant) -> Turn {
        let to = self.hand.held(now);
        Turn { by, from, to, paths_closed: self.adopt(to.mode) }
    }
}

impl Hand {
    pub(super) fn new(standing: Mode) -> Self {
        Self { standing, passing: None }
    }

    pub(super) fn mode(&self, now: Instant) -> Mode {
        self.passing(now).map_or(self.standing, |passing| passing.mode)
    }

    pub(super) fn held(&self, now: Instant) -> Held {
        let rest = self.passing(now).map(|passing| Rest {
            left: passing.until.saturating_duration_since(now),
            then: self.standing,
        });
        Held { mode: self.mode(now), rest }
    }

    /// Forced open: in how long to ask again. Until the end of the time, if there is one after which
    /// the application may be asked.
    pub(super) fn refusal(&self, now: Instant, settings: &Settings) -> Option<Duration> {
        let Held { mode, rest } = self.held(now);
        let end = rest.filter(|rest| rest.then != Mode::Open).map(|rest| rest.left);
        let wait = end.map_or(settings.open_max, |left| left.min(LONGEST_WAIT));
        (mode == Mode::Open).then(|| wait.max(SHORTEST_WAIT))
    }

    fn lay(&mut self, mode: Mode, time: Option<Duration>, now: Instant) {
        // A time past the end of the clock is none.
        self.passing =
            time.and_then(|time| now.checked_add(time)).map(|until| Passing { mode, until });
        if self.passing.is_none() {
            self.standing = mode;
        }
    }

    /// What was lifted.
    fn lift_if_over(&mut self, now: Instant) -> Option<Held> {
        let over = self.passing.take_if(|passing| passing.until <= now)?;
        let rest = Some(Rest { left: Duration::ZERO, then: self.standing });
        Some(Held { mode: over.mode, rest })
    }

    fn passing(&self, now: Instant) -> Option<Passing> {
        self.passing.filter(|passing| now < passing.until)
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.mode.as_str(), self.to);
        match self.by {
            By::Operator => write!(f, "the operator changed breaker.mode: {from} -> {to}")?,
            By::Time => write!(f, "the operator's time is over, breaker.mode: {from} -> {to}")?,
        }
        match self.paths_closed {
            0 => Ok(()),
            paths => write!(f, " (breakers of paths closed with it: {paths})"),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mode.as_str())?;
        match self.rest {
            Some(Rest { left, then }) => {
                write!(f, " for {:.1} s, then {}", left.as_secs_f64(), then.as_str())
            }
            None => Ok(()),
        }
    }
}
