//! One breaker: its three states and its generations.
//!
//! Every change of state begins a new generation and forgets what was counted. A call is judged
//! only by the generation that admitted it: an application that was opened because it hung, and
//! has recovered since, is not opened again by the old calls that time out now.
//!
//! Generations are numbered across all breakers of one `Breakers`, so a permit needs one number
//! for both levels, and "which changed first" can be read off them.

mod keeping;

use super::call::{Ask, Outcome, Permit, State};
use super::change::{Change, Level, Numbers, Reason};
use super::evidence::Evidence;
use super::hand::Mode;
use super::opentime::OpenTime;
use super::probes::Probes;
use super::report::Standing;
use super::settings::Settings;
use super::shared::Shared;
use super::spread;
use std::time::{Duration, Instant};

/// The breaker of the application or of one path. Plain data.
#[derive(Clone, Debug)]
pub(super) struct Circuit {
    level: Level,
    phase: Phase,
    /// The present generation.
    since: u64,
    /// The generation that began with the last closing; 0 before the first.
    closed: u64,
    open_time: OpenTime,
    /// It opened because calls hung or were slow.
    slow: bool,
    evidence: Evidence,
}

#[derive(Clone, Debug)]
enum Phase {
    Closed,
    Open { at: Instant, length: Duration },
    HalfOpen(Probes),
}

/// Nobody is told to come back sooner.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl Circuit {
    pub(super) fn of_application(settings: &Settings) -> Self {
        let evidence = Evidence::new(settings.window, spread::ENOUGH, None);
        Self::new(Level::Application, 0, evidence, settings)
    }

    /// A path's first trouble. Calls of generations before `since` are not judged.
    pub(super) fn of_path(path: String, since: u64, now: Instant, settings: &Settings) -> Self {
        let evidence = Evidence::new(settings.window, 1, Some(now));
        Self::new(Level::Path(path), since, evidence, settings)
    }

    fn new(level: Level, since: u64, evidence: Evidence, settings: &Settings) -> Self {
        let open_time = OpenTime::new(settings);
        Self { level, phase: Phase::Closed, since, closed: 0, open_time, slow: false, evidence }
    }

    pub(super) fn state(&self) -> State {
        self.phase.state()
    }

    pub(super) fn was_slow(&self) -> bool {
        self.slow
    }

    pub(super) fn since(&self) -> u64 {
        self.since
    }

    /// Is this call of the present generation?
    pub(super) fn has_admitted(&self, permit: &Permit) -> bool {
        permit.generation >= self.since
    }

    pub(super) fn last_closing(&self) -> u64 {
        self.closed
    }

    /// Closed with nothing on record: forgetting it changes nothing.
    pub(super) fn is_idle(&mut self, now: Instant) -> bool {
        self.state() == State::Closed && self.evidence.is_clean(now)
    }

    /// `None`: may enter. Otherwise, in how long to ask again. Changes nothing, so that both
    /// levels can be asked before either gives a probe place away.
    ///
    /// `pardon`: what opened in an earlier generation than this may be probed at once.
    pub(super) fn refusal(
        &self,
        ask: Ask,
        now: Instant,
        pardon: u64,
        settings: &Settings,
    ) -> Option<Duration> {
        let wait = match self.since < pardon {
            true => Duration::ZERO,
            false => self.open_until(now),
        };
        let may_enter = match &self.phase {
            Phase::Closed => true,
            _ if ask == Ask::NeverProbe => false,
            Phase::Open { .. } => wait.is_zero(),
            Phase::HalfOpen(probes) => probes.has_place(now, settings),
        };
        (!may_enter).then(|| wait.max(SHORTEST_WAIT))
    }

    /// Lets a call in that was not refused; true if it is a probe.
    pub(super) fn enter(&mut self, permit: u64, now: Instant, shared: &mut Shared) -> bool {
        if self.state() == State::Open {
            let reason = match self.open_until(now).is_zero() {
                true => Reason::TimeElapsed,
                false => Reason::ApplicationClosed,
            };
            self.change(Phase::HalfOpen(Probes::default()), reason, shared);
        }
        let Phase::HalfOpen(probes) = &mut self.phase else {
            return false;
        };
        probes.enter(permit, now, &shared.settings);
        true
    }

    /// A call is now too slow. A probe has failed with that; others are evidence.
    pub(super) fn overdue(&mut self, permit: &Permit, now: Instant, shared: &mut Shared) {
        match &self.phase {
            _ if !self.has_admitted(permit) => {}
            Phase::Closed => {
                self.evidence.overdue(permit, now);
                self.judge(None, now, shared);
            }
            Phase::HalfOpen(probes) if probes.contains(permit.id) => {
                self.evidence.overdue(permit, now);
                self.reopen(Reason::ProbeOverdue, None, now, shared);
            }
            _ => {}
        }
    }

    /// A call has ended.
    pub(super) fn record(
        &mut self,
        permit: &Permit,
        outcome: Outcome,
        now: Instant,
        shared: &mut Shared,
    ) {
        if !self.has_admitted(permit) || !self.leave(permit) {
            return;
        }
        self.evidence.ended(permit, outcome, now);
        let wish = match outcome {
            Outcome::Failed(fault) => fault.retry_after(),
            Outcome::Good => None,
        };
        match (&mut self.phase, outcome) {
            (Phase::Closed, _) => self.judge(wish, now, shared),
            (Phase::HalfOpen(_), Outcome::Failed(_)) => {
                self.reopen(Reason::ProbeFailed, wish, now, shared);
            }
            (Phase::HalfOpen(probes), Outcome::Good) => {
                if probes.succeed(&shared.settings) {
                    self.close(Reason::ProbesSucceeded, shared);
                }
            }
            // Nobody of this generation was let in.
            (Phase::Open { .. }, _) => {}
        }
    }

    /// A call has ended without saying anything about this level.
    pub(super) fn release(&mut self, permit: &Permit) {
        if self.has_admitted(permit) && self.leave(permit) {
            self.evidence.left(permit);
        }
    }

    /// Gives a probe's place back; false if the place was lost before, and the word with it.
    fn leave(&mut self, permit: &Permit) -> bool {
        match &mut self.phase {
            Phase::HalfOpen(probes) => probes.leave(permit.id),
            _ => true,
        }
    }

    /// Forced closed, what was counted is for later.
    fn judge(&mut self, wish: Option<Duration>, now: Instant, shared: &mut Shared) {
        if shared.mode == Mode::Closed {
            return;
        }
        if let Some(reason) = self.evidence.verdict(&shared.settings, shared.room) {
            self.open(reason, wish, now, shared);
        }
    }

    fn reopen(
        &mut self,
        reason: Reason,
        wish: Option<Duration>,
        now: Instant,
        shared: &mut Shared,
    ) {
        self.open_time.double(&shared.settings);
        self.open(reason, wish, now, shared);
    }

    fn open(&mut self, reason: Reason, wish: Option<Duration>, at: Instant, shared: &mut Shared) {
        // What a failed probe says is about that probe.
        if reason != Reason::ProbeFailed {
            self.slow = reason.is_slowness();
        }
        let length = self.open_time.draw(wish, &shared.settings, &mut shared.rng);
        self.change(Phase::Open { at, length }, reason, shared);
    }

    /// As good probes would, if it is not closed.
    pub(super) fn close_by_hand(&mut self, shared: &mut Shared) {
        if self.state() != State::Closed {
            self.close(Reason::Operator, shared);
        }
    }

    fn close(&mut self, reason: Reason, shared: &mut Shared) {
        self.open_time = OpenTime::new(&shared.settings);
        self.change(Phase::Closed, reason, shared);
        self.closed = self.since;
    }

    /// The only way from one state to another.
    fn change(&mut self, to: Phase, reason: Reason, shared: &mut Shared) {
        let numbers = Numbers { open_for: to.length(), ..self.evidence.numbers() };
        let (level, from) = (self.level.clone(), self.state());
        let dry = shared.mode == Mode::Dry;
        shared.tell(Change { level, from, to: to.state(), reason, numbers, dry });
        self.since = shared.next_generation();
        self.phase = to;
        self.evidence.clear();
    }

    /// What is left of the open time; zero if it is over or the breaker is not open.
    fn open_until(&self, now: Instant) -> Duration {
        match self.phase {
            Phase::Open { at, length } => length.saturating_sub(now.saturating_duration_since(at)),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn standing(&mut self, now: Instant) -> Standing {
        let open_for = (self.state() == State::Open).then(|| self.open_until(now));
        Standing { state: self.state(), open_for, numbers: self.evidence.numbers_at(now) }
    }

    #[cfg(test)]
    pub(super) fn numbers(&self) -> Numbers {
        self.evidence.numbers()
    }

    /// Overdue calls in the book.
    #[cfg(test)]
    pub(super) fn overdue_inside(&self) -> usize {
        self.evidence.inside()
    }

    #[cfg(test)]
    pub(super) fn probes_inside(&self) -> usize {
        match &self.phase {
            Phase::HalfOpen(probes) => probes.len(),
            _ => 0,
        }
    }
}

impl Phase {
    fn state(&self) -> State {
        match self {
            Phase::Closed => State::Closed,
            Phase::HalfOpen(_) => State::HalfOpen,
            Phase::Open { .. } => State::Open,
        }
    }

    fn length(&self) -> Option<Duration> {
        match self {
            Phase::Open { length, .. } => Some(*length),
            _ => None,
        }
    }
}
