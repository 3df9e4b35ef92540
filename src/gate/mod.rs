//! The gate: how many requests may be inside the application at one time, and who they are.
//!
//! A breaker is a yes or no. In a storm the right answer is *some*: the application works at full
//! capacity on what only it can answer, and everybody else gets the copy at once. So
//!
//! - a request takes a free slot, if nobody waits for one;
//! - at a full gate a request with a copy is rescued, and its copy is refreshed when a slot is left
//!   ([`Gate::want_refresh`], oldest copy first);
//! - a request without a copy waits (`queue`), together with all others that ask for the same page:
//!   they share one call, if its answer turns out to be for all of them.
//!
//! How many slots there are is found out while the application works (`limit`). After an outage they
//! come back step by step, so that an application which has just got up is not run over.
//!
//! Pure: no I/O, no lock, no clock, no tasks; `W` is whatever wakes who waits, `R` whatever makes a
//! request again. Everything is bounded. Only calls that had waited are known by client and page:
//! while there is room nobody needs to be, and a request costs a few additions.
//!
//! What it refuses: to give a slot away twice, to let one client have the slots that others wait for,
//! and to guess whether answers may be shared ([`Gate::part`] says no, and that is remembered).

mod epoch;
mod limit;
mod queue;
mod refresh;
mod settings;
mod strain;
#[cfg(test)]
mod tests;

pub use limit::Ended;
pub use queue::Wish;
pub use settings::{Mode, Settings};

use limit::{Limiter, START};
use lru::LruCache;
use queue::{Joint, Leader, Queue};
use refresh::Refreshes;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Page and identity.
pub type Key = [u8; 16];
/// A client, by whatever tells him from others.
pub type Client = u64;

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Neither GET nor HEAD.
    Other,
    /// Only the application can answer it.
    NoCopy,
}

/// One place inside. It must come back through [`Gate::leave`].
#[derive(Debug)]
#[must_use = "a slot that is lost is one place less"]
pub struct Slot {
    /// More than half of the places were taken.
    crowded: bool,
    waited: Option<Client>,
    joint: Option<Joint>,
}

impl Slot {
    /// Others wait for what this call brings, or may begin to.
    pub fn is_awaited(&self) -> bool {
        self.joint.is_some()
    }
}

/// Who gets a slot that was free.
#[derive(Debug)]
pub enum Next<W, R> {
    Waiter(W, Slot),
    Refresh(R, Slot),
}

/// The word of [`Gate::wait`].
#[derive(Debug)]
pub enum Waiting<W> {
    /// In the queue, under this number; somebody may have had to make room.
    Queued(u64, Option<W>),
    /// There is no room.
    Full(W),
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub limit: u32,
    pub inside: u32,
    pub waiting: u32,
    pub refreshes: u32,
}

#[derive(Debug)]
pub struct Gate<W, R> {
    limiter: Limiter,
    inside: u32,
    queue: Queue<W>,
    refreshes: Refreshes<R>,
    /// Pages whose answers were for one visitor alone, and until when that is believed.
    alone: LruCache<Key, Instant>,
    /// Since when slots come back step by step.
    reopened: Option<Instant>,
    least: u32,
    waited: u64,
}

impl<W, R> Gate<W, R> {
    /// An empty one. `None` for [`Mode::Off`].
    pub fn new(settings: &Settings, now: Instant) -> Option<Self> {
        let limiter = match settings.mode {
            Mode::Off => return None,
            Mode::Auto => Limiter::new(START, settings.min, settings.max, now),
            Mode::Fixed => Limiter::new(settings.max, settings.max, settings.max, now),
        };
        Some(Self {
            limiter,
            inside: 0,
            queue: Queue::new(settings.queue as usize),
            refreshes: Refreshes::new(),
            alone: LruCache::sparse(ALONE_MAX),
            reopened: None,
            least: settings.min,
            waited: 0,
        })
    }

    /// A free slot, if there is one that nobody waits for.
    pub fn enter(&mut self, now: Instant) -> Option<Slot> {
        let is_free =
            !self.queue.wants_slot() && (self.inside < self.limit(now) || self.limiter_grows(now));
        is_free.then(|| self.slot(None, None, now))
    }

    /// A slot in any case: for a probe, which must not wait for calls that hang, and for a call that is
    /// inside already.
    pub fn enter_anyway(&mut self, now: Instant) -> Slot {
        self.slot(None, None, now)
    }

    /// Waits for a slot, or for the answer of a call for the same page. Whoever gets up again before
    /// he is woken says so by [`Gate::give_up`].
    pub fn wait(&mut self, mut wish: Wish, waker: W, now: Instant) -> Waiting<W> {
        if wish.key.is_some_and(|key| self.is_alone(key, now)) {
            wish.key = None;
        }
        self.waited += 1;
        match self.queue.wait(self.waited, wish, waker, self.limiter.joinable(), now) {
            Ok(out) => Waiting::Queued(self.waited, out),
            Err(waker) => Waiting::Full(waker),
        }
    }

    /// Nobody waits under this number any more.
    pub fn give_up(&mut self, number: u64) {
        self.queue.give_up(number);
    }

    /// A request that was rescued at the full gate, with a copy made then; `request` makes what is
    /// remembered of it. What had to make room for it.
    pub fn want_refresh(
        &mut self,
        key: Key,
        client: Client,
        made: u64,
        request: impl FnOnce() -> R,
        now: Instant,
    ) -> Option<R> {
        self.refreshes.want(key, client, made, request, now)
    }

    /// The answer of this call is there for all who wait for the same: them.
    pub fn share(&mut self, slot: &mut Slot) -> Vec<W> {
        slot.joint.take().map_or_else(Vec::new, |call| self.queue.share(call))
    }

    /// The answer of this call is for its own visitor alone: the others wait each for himself, and so
    /// do those who come for the same page in the next two minutes.
    pub fn part(&mut self, slot: &mut Slot, now: Instant) {
        if let Some(call) = slot.joint.take() {
            self.queue.part(call);
            self.alone.put(call.key, now + ALONE_TIME);
        }
    }

    /// This call will bring no copy, which says nothing about the page: another one is to try.
    pub fn let_others_try(&mut self, slot: &mut Slot) {
        if let Some(call) = slot.joint.take() {
            self.queue.try_again(call);
        }
    }

    /// The call has truly ended. What is free now, [`Gate::next`] gives away.
    pub fn leave(&mut self, slot: Slot, ended: Ended, now: Instant) {
        self.limiter.pass(self.inside, now);
        self.inside = self.inside.saturating_sub(1);
        self.limiter.ended(ended, slot.crowded, now);
        if let Some(client) = slot.waited {
            self.queue.ended(client);
        }
        if let Some(call) = slot.joint {
            self.queue.try_again(call);
        }
    }

    /// Nobody waits for a slot, and nothing is to be refreshed.
    pub fn is_quiet(&self) -> bool {
        self.queue.len() == 0 && self.refreshes.len() == 0
    }

    /// There is a slot for one more, and nobody who waits for it.
    pub fn has_room(&self, now: Instant) -> bool {
        self.inside < self.limit(now) && !self.queue.wants_slot()
    }

    /// Who gets a slot now, if one is free: until it is `None`, after every change.
    pub fn next(&mut self, now: Instant) -> Option<Next<W, R>> {
        if self.is_quiet() {
            return None;
        }
        if self.inside >= self.limit(now) && !(self.queue.wants_slot() && self.limiter_grows(now)) {
            return None;
        }
        let greedy = self
            .queue
            .next_client()
            .filter(|(class, _, slots)| *class == Class::NoCopy && *slots * 2 >= self.limit(now));
        if let Some((_, client, _)) = greedy
            && let Some(request) = self.refreshes.take(Some(client), now)
        {
            return Some(Next::Refresh(request, self.slot(None, None, now)));
        }
        if let Some(Leader { joint, client, waker }) = self.queue.begin(now) {
            return Some(Next::Waiter(waker, self.slot(Some(client), joint, now)));
        }
        let request = self.refreshes.take(None, now)?;
        Some(Next::Refresh(request, self.slot(None, None, now)))
    }

    /// The application is back: slots come step by step.
    pub fn reopen(&mut self, now: Instant) {
        self.reopened = Some(now);
    }

    /// How many may be inside now.
    pub fn limit(&self, now: Instant) -> u32 {
        let limit = self.limiter.limit();
        let Some(since) = self.reopened.map(|then| now.saturating_duration_since(then)) else {
            return limit;
        };
        let steps = since.as_millis() / RAMP_STEP.as_millis();
        let ramp = u32::try_from(steps)
            .ok()
            .and_then(|steps| self.least.max(1).checked_shl(steps.min(16)));
        ramp.map_or(limit, |ramp| limit.min(ramp.max(self.least)))
    }

    pub fn figures(&self, now: Instant) -> Figures {
        Figures {
            limit: self.limit(now),
            inside: self.inside,
            waiting: self.queue.len() as u32,
            refreshes: self.refreshes.len() as u32,
        }
    }

    /// Not while the limit is lower for another reason.
    fn limiter_grows(&mut self, now: Instant) -> bool {
        self.limit(now) == self.limiter.limit() && self.limiter.grows(self.inside, now)
    }

    fn slot(&mut self, waited: Option<Client>, joint: Option<Joint>, now: Instant) -> Slot {
        self.limiter.pass(self.inside, now);
        self.inside += 1;
        let crowded = self.inside * 2 > self.limiter.limit();
        Slot { crowded, waited, joint }
    }

    fn is_alone(&mut self, key: Key, now: Instant) -> bool {
        self.alone.get(&key).is_some_and(|until| now < *until)
    }
}

/// Pages whose answers are known to be for one visitor alone.
const ALONE_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
const ALONE_TIME: Duration = Duration::from_secs(120);
/// After an outage the limit begins at `gate.min` and doubles in such steps.
const RAMP_STEP: Duration = Duration::from_millis(250);
