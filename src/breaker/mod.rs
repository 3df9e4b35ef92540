//! The circuit breaker: an application that fails, hangs or drowns is not asked for a while.
//!
//! Two levels, and the stricter wins. The application's breaker leaves a dying application alone
//! as a whole; a path's breaker stops asking for one broken page without closing the shop. That
//! is why answers open the application's breaker only when they come from at least three paths,
//! while connections that fail do so from any, and are no path's fault.
//!
//! Each is a state machine in Fowler's sense, Closed, Open and HalfOpen (`circuit`). It opens
//! on failures in a row, the share of failures, the share of slow calls, or a total hang
//! (`evidence`), stays open for a time that doubles on each failed probe (`opentime`), and is
//! closed again by good probes (`probes`). A path that opened before the application's breaker
//! last closed may be probed at once: it was most likely the application's trouble. Over both
//! levels lies the operator's `hand`.
//!
//! Pure: no I/O, no lock, no clock; `now` is an argument of everything that depends on it, and
//! the caller logs what [`Breakers::take_changes`] gives, and writes down what
//! [`Breakers::take_unsaved`] gives, so that the next process can go on from there. A healthy
//! call costs one hash and a few additions, and allocates nothing. Everything is bounded except the overdue calls and probes in
//! the books, which are as many as the caller has inside.
//!
//! It refuses to judge by anything but the application's own doing: a client that leaves is
//! neutral, and a result that belongs to an older generation is dropped.

mod call;
mod change;
mod circuit;
mod evidence;
mod hand;
mod inside;
mod opentime;
mod paths;
mod probes;
mod report;
mod run;
mod saved;
mod settings;
mod shared;
mod spread;
#[cfg(test)]
mod tests;
mod window;

pub use call::{Admission, Ask, Fault, Outcome, Permit, State};
pub use change::{Change, Level, Numbers, Reason};
pub use hand::{By, Held, Mode, Rest, Turn};
pub use report::{Report, Standing};
pub use saved::{LONGEST_NAME, Saved, Tally, Unsaved};
pub use settings::Settings;

use circuit::Circuit;
use hand::Hand;
use paths::Paths;
use saved::Mark;
use shared::Shared;
use std::time::{Duration, Instant};

/// Both levels. The caller holds the lock and the clock.
///
/// `path` is everywhere the same path, without query and identity, for one call.
#[derive(Debug)]
pub struct Breakers {
    application: Circuit,
    paths: Paths,
    shared: Shared,
    hand: Hand,
    /// The last end of a mode's time, until it is taken.
    lapse: Option<Turn>,
    /// So often has it been asked so far, which is also the latest permit's id.
    asked: u64,
    /// What was taken last to be written down; `None`: whatever is written is not right.
    saved: Option<Mark>,
}

impl Breakers {
    /// All closed. `seed` is for the jitter of the open times.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let application = Circuit::of_application(&settings);
        let hand = Hand::new(settings.mode);
        let (paths, shared) = (Paths::new(), Shared::new(settings, seed));
        let saved = Some(Mark::default());
        Self { application, paths, shared, hand, lapse: None, asked: 0, saved }
    }

    /// May this call go to the application? Both levels must agree, and neither gives a probe
    /// place away when the other refuses.
    pub fn admit(&mut self, path: &str, ask: Ask, now: Instant) -> Admission {
        self.settle(now);
        let key = self.paths.key(path);
        self.asked += 1;
        if let Some(retry_after) = self.hand.refusal(now, &self.shared.settings) {
            return Admission::Rejected { state: State::Open, retry_after, forced: true };
        }
        match self.refusal(key, ask, now) {
            None => Admission::Admitted(self.enter(key, now)),
            Some(_) if self.shared.mode == Mode::Dry => Admission::Admitted(self.pass(key, now)),
            Some(retry_after) => {
                Admission::Rejected { state: self.state_of(key), retry_after, forced: false }
            }
        }
    }

    /// The call has ended; at the end of the body, or as soon as a failure is known.
    pub fn record(&mut self, permit: Permit, path: &str, outcome: Outcome, now: Instant) {
        self.settle(now);
        if !permit.judged {
            return;
        }
        if self.shared.settings.is_ignored(path) && outcome.is_bad_answer() {
            return self.release(permit);
        }
        let current = self.application.has_admitted(&permit); // asked before it changes
        self.application.record(&permit, outcome, now, &mut self.shared);
        match outcome {
            // From before the application's last change: no path's fault either.
            _ if !current => self.release_path(&permit),
            Outcome::Good => self.record_good(&permit, now),
            // Nobody got as far as the path.
            Outcome::Failed(Fault::Transport) => self.release_path(&permit),
            Outcome::Failed(_) => self.record_failed(&permit, path, outcome, now),
        }
    }

    /// The caller's timer says: this call has now been slow. Either its head is not there
    /// `slow_time` after the start, or the application has been silent in the body for so long.
    /// From here to its end it counts as slow. Saying it again changes nothing; on a path of
    /// `breaker.ignore` it means nothing.
    ///
    /// `room`: so many calls fill the application; `None` if nothing keeps more out.
    pub fn overdue(&mut self, permit: &mut Permit, path: &str, room: Option<u32>, now: Instant) {
        self.shared.room = room.unwrap_or(u32::MAX);
        self.settle(now);
        if !permit.judged || permit.is_overdue() || self.shared.settings.is_ignored(path) {
            return;
        }
        permit.overdue = Some(now);
        if self.application.has_admitted(permit) {
            self.application.overdue(permit, now, &mut self.shared);
            self.overdue_path(permit, path, now);
        }
    }

    /// The client has left before the end: neutral, a probe's place is free again. A call that
    /// was overdue already counts as slow all the same.
    pub fn release(&mut self, permit: Permit) {
        if permit.judged {
            self.application.release(&permit);
            self.release_path(&permit);
        }
    }

    /// What is really done, as `X-Circuit` shows it: by the operator's hand, otherwise the stricter
    /// of the two. An open breaker whose time is over reads Open until a probe has been admitted.
    pub fn state(&self, path: &str, now: Instant) -> State {
        let state = match self.is_empty() {
            true => self.application.state(),
            false => self.state_of(self.paths.key(path)),
        };
        self.shown(state, now)
    }

    /// Changes since the last time, oldest first, to be logged. At most 256 are kept.
    pub fn take_changes(&mut self) -> impl Iterator<Item = Change> + '_ {
        self.shared.take_changes()
    }

    /// How many paths have a breaker of their own: those that are or were in trouble, at most
    /// 10,000.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Is no path in trouble?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn refusal(&mut self, key: u64, ask: Ask, now: Instant) -> Option<Duration> {
        let settings = &self.shared.settings;
        let application = self.application.refusal(ask, now, 0, settings);
        let pardon = self.application.last_closing();
        let path = self.paths.get(key);
        application.max(path.and_then(|circuit| circuit.refusal(ask, now, pardon, settings)))
    }

    fn enter(&mut self, key: u64, now: Instant) -> Permit {
        let id = self.asked;
        let mut probe = self.application.enter(id, now, &mut self.shared);
        let of_all = probe;
        let mut may_hang = probe && self.application.was_slow();
        if let Some(circuit) = self.paths.get(key) {
            let its_own = circuit.enter(id, now, &mut self.shared);
            may_hang |= its_own && circuit.was_slow();
            probe |= its_own;
        }
        // Dry, it goes whatever it is: nobody is held back for its sake.
        let probe = probe && self.shared.mode != Mode::Dry;
        Permit { probe, of_all, may_hang, ..self.permit(key, now) }
    }

    /// Past the breakers that would have refused it.
    fn pass(&self, key: u64, now: Instant) -> Permit {
        Permit { judged: false, ..self.permit(key, now) }
    }

    fn permit(&self, key: u64, now: Instant) -> Permit {
        let generation = self.shared.generation();
        let id = self.asked;
        let (probe, of_all, may_hang, judged) = (false, false, false, true);
        Permit {
            id,
            path: key,
            generation,
            began: now,
            overdue: None,
            probe,
            of_all,
            may_hang,
            judged,
        }
    }

    fn record_good(&mut self, permit: &Permit, now: Instant) {
        if let Some(circuit) = self.paths.get(permit.path) {
            circuit.record(permit, Outcome::Good, now, &mut self.shared);
            self.paths.drop_if_idle(permit.path, now);
        }
    }

    fn record_failed(&mut self, permit: &Permit, path: &str, outcome: Outcome, now: Instant) {
        let circuit = self.paths.get_or_make(permit, path, now, &self.shared.settings);
        if let Some(circuit) = circuit {
            circuit.record(permit, outcome, now, &mut self.shared);
        }
    }

    fn overdue_path(&mut self, permit: &Permit, path: &str, now: Instant) {
        let circuit = self.paths.get_or_make(permit, path, now, &self.shared.settings);
        if let Some(circuit) = circuit {
            circuit.overdue(permit, now, &mut self.shared);
        }
    }

    fn release_path(&mut self, permit: &Permit) {
        if let Some(circuit) = self.paths.get(permit.path) {
            circuit.release(permit);
        }
    }

    fn shown(&self, judged: State, now: Instant) -> State {
        match self.hand.mode(now) {
            Mode::Auto => judged,
            Mode::Open => State::Open,
            Mode::Closed | Mode::Dry => State::Closed,
        }
    }

    fn state_of(&self, key: u64) -> State {
        let path = self.paths.peek(key).map_or(State::Closed, Circuit::state);
        path.max(self.application.state())
    }
}
