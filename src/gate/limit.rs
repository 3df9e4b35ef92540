//! How many calls the application handles best, found out while it works.
//!
//! Of the family of gradient limiters: latency steers, throughput decides.
//!
//! - **Growth at once.** While the gate is full and calls take no longer than usual ([`Strain`]), the
//!   limit rises by one for every two calls that end: by half within one latency, so a burst that the
//!   application copes with never finds the gate full.
//! - **Trials.** Everything else is tried and measured before it is believed. Fewer places when the
//!   strain says that half of those inside only wait, or when calls fail; and, now and then, some
//!   more or some less. After an [`Epoch`] with the new limit the one stays that did better.
//!
//! Why not latency alone (Vegas, Gradient2): they need to know the latency of an empty application,
//! and either starve it to measure that again, or take the crowded one for normal after a while.
//! Here a wrong idea of it costs one trial. Why not failures alone (AIMD): an application that only
//! becomes slower never fails, and everybody waits. Why not throughput alone: it takes seconds where
//! latency needs a tenth of one.
//!
//! It refuses to measure by starving: a trial takes at most a quarter of the places away, or those
//! that the strain says are of no use, and it ends after some dozens of calls.

use super::epoch::{Epoch, FAILING, Sample};
use super::strain::Strain;
use std::time::{Duration, Instant};

/// What is told of a call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The hash of its path; `None` if its latency is not the application's alone.
    pub path: Option<u64>,
    /// To the end of the answer.
    pub latency: Duration,
    /// `None`: it says nothing about the application.
    pub good: Option<bool>,
}

#[derive(Debug)]
pub(super) struct Limiter {
    least: u32,
    most: u32,
    limit: u32,
    strain: Strain,
    /// Calls that ended without strain, though more than half of the places were taken.
    credits: u32,
    epoch: Epoch,
    trial: Option<Trial>,
    /// Whether the next one tries more.
    upward: bool,
    /// Accepted trials in a row, in one direction.
    streak: u32,
    /// To wait until the next trial without a reason, and with one.
    idle: Interval,
    alarmed: Interval,
    /// Growing above it was of no use, which is believed for a while.
    ceiling: (u32, Instant),
    /// About how long a call takes.
    usual: Duration,
    last_end: Instant,
    /// Twice the limit when it ended.
    stuck_most: u32,
    last_growth: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    reference: Sample,
    why: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Failures,
    Strain,
    Curiosity,
}

/// Grows with each trial that was in vain.
#[derive(Clone, Copy, Debug)]
struct Interval {
    length: Duration,
    until: Instant,
}

impl Limiter {
    pub(super) fn new(start: u32, least: u32, most: u32, now: Instant) -> Self {
        let limit = start.clamp(least, most);
        Self {
            least,
            most,
            limit,
            strain: Strain::new(),
            credits: 0,
            epoch: Epoch::new(limit, limit, now),
            trial: None,
            // From far above nothing is to be gained by going up.
            upward: limit <= START,
            streak: 0,
            idle: Interval::new(now),
            alarmed: Interval::new(now),
            ceiling: (most, now),
            usual: Duration::ZERO,
            last_end: now,
            stuck_most: limit * 2,
            last_growth: now,
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// Somebody wants in, and all places are taken: is there to be one more?
    pub(super) fn grows(&mut self, inside: u32, now: Instant) -> bool {
        if self.is_stuck(now) {
            return self.gives_way(inside, now);
        }
        if self.limit >= self.most || self.trial.is_some() || inside > self.limit {
            return false;
        }
        let (ceiling, until) = self.ceiling;
        let is_easy = self.strain.now() < EASY && (self.limit < ceiling || now >= until);
        if !is_easy || self.credits < GROWTH {
            return false;
        }
        let credits = self.credits - GROWTH;
        self.set(self.limit + 1, now);
        self.credits = credits;
        true
    }

    /// One place more than are taken; what is being tried is of no use then.
    fn gives_way(&mut self, inside: u32, now: Instant) -> bool {
        if let Some(trial) = self.trial.take() {
            self.set(trial.reference.limit, now);
            self.in_vain(trial.why, now);
        }
        let limit = inside.saturating_add(1).max(self.limit);
        if limit > self.most || limit > self.stuck_most {
            return false;
        }
        self.last_growth = now;
        if limit > self.limit {
            self.set(limit, now);
        }
        true
    }

    /// Nothing ends: a few calls that hang, perhaps of one page, must not close the door for all
    /// others. Twice as many at most: if everything hangs, the breaker sees to it.
    fn is_stuck(&self, now: Instant) -> bool {
        let since = |then: Instant| now.saturating_duration_since(then);
        let is_long = since(self.last_end) >= STUCK.max(self.usual * 3);
        is_long && since(self.last_growth) >= STUCK_STEP
    }

    /// How long a call may be inside that others still wait for: it is likely to end soon.
    pub(super) fn joinable(&self) -> Duration {
        JOINABLE.max(self.usual * 3)
    }

    /// Time has passed with so many inside.
    pub(super) fn pass(&mut self, inside: u32, now: Instant) {
        self.epoch.pass(inside, now);
    }

    /// A call has ended, after [`Limiter::pass`].
    pub(super) fn ended(&mut self, call: Ended, crowded: bool, now: Instant) {
        self.last_end = now;
        self.stuck_most = self.limit.saturating_mul(2);
        if call.good.is_some() {
            self.usual = (self.usual * 15 + call.latency) / 16;
        }
        let is_good = call.good == Some(true);
        let path = call.path.filter(|_| is_good);
        let relation = path.and_then(|path| self.strain.learn(path, call.latency, crowded));
        if crowded && path.is_some() && self.strain.now() < EASY {
            self.credits = (self.credits + 1).min(self.limit);
        }
        self.epoch.ended(call.good, relation, now);
        let is_late = self.trial.is_some() && self.epoch.age(now) > TRIAL_TIME.max(self.usual * 8);
        if self.epoch.is_done(now)
            || is_late
            || (self.epoch.is_failing() && self.alarmed.is_over(now))
        {
            self.judge(now);
        }
    }

    fn judge(&mut self, now: Instant) {
        let sample = self.epoch.sample(now);
        match self.trial.take() {
            Some(trial) => self.decide(trial, sample, now),
            None if sample.is_full() || sample.failed > FAILING => self.try_another(sample, now),
            None => {
                // What was of no use in a storm may be of use for a burst.
                self.ceiling = (self.most, now);
                self.epoch = Epoch::new(self.limit, 0, now);
            }
        }
    }

    /// Begins a trial, if it is time for one.
    fn try_another(&mut self, reference: Sample, now: Instant) {
        let (limit, strain) = (f64::from(self.limit), self.strain.now());
        let (target, why) = if reference.failed > FAILING && self.alarmed.is_over(now) {
            (limit * BACK_OFF, Reason::Failures)
        } else if strain > CROWDED && self.alarmed.is_over(now) {
            (limit / strain * ROOM, Reason::Strain)
        } else if reference.is_full() && self.idle.is_over(now) {
            // Up is of no use where many wait already.
            self.upward &= strain < EASY;
            (self.neighbour(), Reason::Curiosity)
        } else {
            self.epoch = Epoch::new(self.limit, 0, now);
            return;
        };
        let target = (target.round() as u32).clamp(self.least, self.most);
        if target == self.limit {
            self.in_vain(why, now);
            self.epoch = Epoch::new(self.limit, 0, now);
            return;
        }
        self.trial = Some(Trial { reference, why });
        self.set(target, now);
    }

    /// The limit to try without a reason: further away with each success.
    fn neighbour(&self) -> f64 {
        let limit = f64::from(self.limit);
        let factor = match (self.upward, self.streak) {
            (true, 0) => 1.4,
            (true, _) => 2.0,
            (false, _) if self.limit <= 2 * START => 4.0 / 3.0,
            (false, 0) => 2.0,
            (false, _) => 4.0,
        };
        match self.upward {
            true => (limit * factor).max(limit + 1.0),
            false => (limit / factor).min(limit - 1.0),
        }
    }

    fn decide(&mut self, trial: Trial, sample: Sample, now: Instant) {
        let (reference, up) = (trial.reference, sample.limit > trial.reference.limit);
        let gain = sample.score() - reference.score();
        let error = reference.error.hypot(sample.error);
        // Not filled, it says nothing: there was not the demand. And two measures do not compare.
        let is_better = sample.is_like(&reference)
            && (sample.is_full() || sample.inside >= reference.inside)
            && gain > error * trial.why.doubt(up);
        if is_better {
            if up && sample.is_free_of_crowding(&reference) {
                // More inside did as much more: what looked like strain was not.
                self.strain.rebase();
            }
            return self.accept(trial.why, up, now);
        }
        self.set(reference.limit, now);
        self.in_vain(trial.why, now);
    }

    fn accept(&mut self, why: Reason, up: bool, now: Instant) {
        self.streak = if up == self.upward { self.streak + 1 } else { 1 };
        self.upward = up;
        if why != Reason::Curiosity {
            self.alarmed = Interval::new(now);
        }
        // Whatever made it better may do so once more.
        self.idle = Interval::new(now);
        let limit = self.limit;
        self.ceiling = match up {
            true => (self.most, now),
            false => (limit, now + CEILING_TIME),
        };
        if !up && self.strain.now() < 1.0 {
            self.strain.rebase();
        }
        // It counts as measured: the next trial may begin when the epoch that follows is over.
        self.epoch = Epoch::new(self.limit, 0, now);
    }

    fn in_vain(&mut self, why: Reason, now: Instant) {
        match why {
            Reason::Failures => self.alarmed.longer(now),
            Reason::Strain => {
                self.strain.rebase();
                self.alarmed.longer(now);
            }
            Reason::Curiosity => {
                if self.upward {
                    self.ceiling = (self.limit + 1 + self.limit / 8, now + CEILING_TIME);
                }
                self.upward = !self.upward;
                self.streak = 0;
                self.idle.longer(now);
            }
        }
    }

    fn set(&mut self, limit: u32, now: Instant) {
        // Whoever is above the new limit has to leave, and then a whole round to pass.
        let settling = self.limit.saturating_sub(limit) + limit;
        self.limit = limit;
        self.credits = 0;
        self.epoch = Epoch::new(limit, settling, now);
    }
}

impl Reason {
    /// How much better than chance it must be to be believed: standard errors.
    fn doubt(self, up: bool) -> f64 {
        match self {
            // There was a sign already.
            Self::Failures | Self::Strain => 0.0,
            Self::Curiosity if up => 1.0,
            Self::Curiosity => 0.5,
        }
    }
}

impl Interval {
    fn new(now: Instant) -> Self {
        Self { length: SHORTEST_WAIT, until: now }
    }

    fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    fn longer(&mut self, now: Instant) {
        self.until = now + self.length;
        self.length = (self.length * 2).min(LONGEST_WAIT);
    }
}

/// Where a limiter begins that knows nothing.
pub(super) const START: u32 = 16;
/// Strain below which the limit may grow, and above which fewer are tried.
const EASY: f64 = 1.2;
const CROWDED: f64 = 1.5;
/// How much more than the strain says is left.
const ROOM: f64 = 1.1;
/// The share of places that is left when calls fail.
const BACK_OFF: f64 = 0.7;
/// Calls that end without strain, for one place more.
const GROWTH: u32 = 2;
/// How long it is believed that more places are of no use.
const CEILING_TIME: Duration = Duration::from_secs(3);
/// Between trials.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// Time enough for pages of all kinds.
const JOINABLE: Duration = Duration::from_millis(500);
/// A trial that takes longer has failed.
const TRIAL_TIME: Duration = Duration::from_secs(5);
/// Nothing has ended for so long; one place more in each such step.
const STUCK: Duration = Duration::from_millis(500);
const STUCK_STEP: Duration = Duration::from_millis(100);
