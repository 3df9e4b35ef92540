//! One stretch of time under one limit, and what the application did in it.

use super::strain::Relation;
use std::time::{Duration, Instant};

/// Being measured. Calls of the time before the limit was changed are let pass first.
#[derive(Clone, Debug)]
pub(super) struct Epoch {
    limit: u32,
    /// So many calls are still to end before it counts.
    settling: u32,
    made: Instant,
    began: Option<Instant>,
    last: Instant,
    /// Places taken, times seconds.
    taken: f64,
    ended: u32,
    good: u32,
    failed: u32,
    sums: Sums,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) limit: u32,
    /// What was done in a second, in usual answers of its page, good ones only.
    pub(super) rate: f64,
    /// Mean number of calls inside.
    pub(super) inside: f64,
    /// Of those that ended.
    pub(super) failed: f64,
    /// `rate` is in costs of pages, not in answers.
    by_cost: bool,
    /// The standard error of `rate`, relative.
    pub(super) error: f64,
}

/// Sums over calls: what they took, and what their pages cost.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    took: f64,
    cost: f64,
    took_took: f64,
    took_cost: f64,
    cost_cost: f64,
}

impl Epoch {
    /// `settling`: how many calls are to end before.
    pub(super) fn new(limit: u32, settling: u32, now: Instant) -> Self {
        Self {
            limit,
            settling,
            made: now,
            began: (settling == 0).then_some(now),
            last: now,
            taken: 0.0,
            ended: 0,
            good: 0,
            failed: 0,
            sums: Sums::default(),
        }
    }

    /// Time has passed, with so many inside.
    pub(super) fn pass(&mut self, inside: u32, now: Instant) {
        if self.began.is_some() {
            let seconds = now.saturating_duration_since(self.last).as_secs_f64();
            self.taken += seconds * f64::from(inside);
        }
        self.last = now;
    }

    /// A call has ended; `good` is `None` for one that says nothing.
    pub(super) fn ended(&mut self, good: Option<bool>, relation: Option<Relation>, now: Instant) {
        if self.began.is_none() {
            self.settling = self.settling.saturating_sub(1);
            if self.settling == 0 {
                self.began = Some(now);
            }
            return;
        }
        if good.is_none() {
            return;
        }
        self.ended += 1;
        self.good += u32::from(good == Some(true));
        self.failed += u32::from(good == Some(false));
        relation.into_iter().for_each(|relation| self.sums.add(relation));
    }

    /// Since the limit is what it is.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.made)
    }

    /// Enough has ended to be told from chance; or time is up.
    pub(super) fn is_done(&self, now: Instant) -> bool {
        let Some(began) = self.began else { return false };
        let is_certain = self.sums.ratio().is_some()
            && self.sums.error() <= ERROR
            && self.ended >= self.limit.max(FEWEST);
        let time = now.saturating_duration_since(began);
        is_certain || self.ended >= MOST || (time >= LONGEST && self.ended >= AT_LEAST)
    }

    /// So many fail that it need not be looked at for longer.
    pub(super) fn is_failing(&self) -> bool {
        self.failed >= FAILURES && f64::from(self.failed) > FAILING * f64::from(self.ended)
    }

    pub(super) fn sample(&self, now: Instant) -> Sample {
        let time = self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let (seconds, ended) = (time.as_secs_f64().max(1e-6), f64::from(self.ended.max(1)));
        let inside = self.taken / seconds;
        // Little's law. Counting what ended would count waves: calls that began together end together.
        let rate = match self.sums.ratio() {
            Some(ratio) => inside / ratio * f64::from(self.good) / ended,
            None => f64::from(self.good) / seconds,
        };
        let (by_cost, error) = (self.sums.ratio().is_some(), self.sums.error());
        let failed = f64::from(self.failed) / ended;
        Sample { limit: self.limit, rate, inside, failed, by_cost, error }
    }
}

impl Sample {
    /// All places were taken nearly all the time: what was done is what this limit allows.
    pub(super) fn is_full(&self) -> bool {
        self.inside >= FULL * f64::from(self.limit)
    }

    /// May they be compared?
    pub(super) fn is_like(&self, other: &Sample) -> bool {
        self.by_cost == other.by_cost
    }

    /// Nearly as many more answers as there are more inside.
    pub(super) fn is_free_of_crowding(&self, before: &Sample) -> bool {
        (self.rate / before.rate).ln() > NEARLY * (self.inside / before.inside).ln()
    }

    /// Worth of what was done: each doubling of those inside must bring an eighth more good answers.
    /// (Kleinrock's power, with less weight on latency: a queue of a few inside the application
    /// keeps its workers busy, which one that is empty does not.)
    pub(super) fn score(&self) -> f64 {
        self.rate.max(1e-9).ln() - CROWDING * self.inside.max(1e-9).ln()
    }
}

impl Sums {
    fn add(&mut self, Relation { seconds, cost }: Relation) {
        self.took += seconds;
        self.cost += cost;
        self.took_took += seconds * seconds;
        self.took_cost += seconds * cost;
        self.cost_cost += cost * cost;
    }

    /// How much longer calls took than their pages cost.
    fn ratio(&self) -> Option<f64> {
        (self.cost > 0.0).then(|| self.took / self.cost)
    }

    /// Its standard error, relative. In a long queue all wait alike, and what is behind it varies all
    /// the same: so it is at least what calls of some variance would have.
    fn error(&self) -> f64 {
        let Some(ratio) = self.ratio() else { return 0.0 };
        let squares =
            self.took_took - 2.0 * ratio * self.took_cost + ratio * ratio * self.cost_cost;
        let seen = squares.max(0.0) / (self.took * self.took);
        let least = LEAST_VARIANCE * self.cost_cost / (self.cost * self.cost);
        seen.max(least).sqrt()
    }
}

/// Relative standard error that is good enough.
const ERROR: f64 = 0.06;
const LEAST_VARIANCE: f64 = 0.25;
/// Calls that end in an epoch: at least, and at most because of chance.
const FEWEST: u32 = 32;
const MOST: u32 = 400;
/// An application that is slow is judged by fewer.
const LONGEST: Duration = Duration::from_secs(2);
const AT_LEAST: u32 = 8;
/// Failures that end an epoch early, and the share of what ended above which they do.
const FAILURES: u32 = 3;
pub(super) const FAILING: f64 = 0.1;
const FULL: f64 = 0.85;
const CROWDING: f64 = 0.18;
const NEARLY: f64 = 0.7;
