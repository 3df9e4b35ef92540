//! The breakers, behind their lock, with every change of state in the log and in the memory that
//! outlives the process.

use super::asked::Asked;
use super::gatekeeper::Gatekeeper;
use crate::breaker::{
    Admission, Ask, Breakers, Level, Mode, Outcome, Permit, Report, Saved, Settings, State, Turn,
    Unsaved,
};
use crate::clock::{self, Now};
use http::StatusCode;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::warn;

pub(super) struct Judge {
    settings: Settings,
    // A plain mutex: held for some dozens of nanoseconds and never across an await.
    breakers: Mutex<Breakers>,
    gatekeeper: Arc<Gatekeeper>,
    /// A state has changed since it was last written down.
    changed: Notify,
}

/// Not now.
pub(super) struct Rejected {
    pub(super) state: State,
    pub(super) retry_after: Duration,
    /// By the operator's word.
    pub(super) forced: bool,
}

impl Judge {
    /// Goes on from what was remembered of the time before the start.
    pub(super) fn remembering(
        settings: Settings,
        saved: Vec<Saved>,
        gatekeeper: Arc<Gatekeeper>,
        now: Now,
    ) -> Self {
        let mut breakers = Breakers::new(settings.clone(), fastrand::u64(..));
        say_mode(settings.mode);
        let restored = breakers.restore(saved, now.mono);
        // Otherwise the application is asked all the same.
        if matches!(settings.mode, Mode::Auto | Mode::Open) {
            say_restored(&restored);
        }
        Self { settings, breakers: Mutex::new(breakers), gatekeeper, changed: Notify::new() }
    }

    /// Waits for the next change of state, or returns at once if there was one meanwhile.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn take_unsaved(&self, now: Now) -> Unsaved {
        self.change(|breakers, _| breakers.take_unsaved(now.mono))
    }

    pub(super) fn is_failure(&self, status: StatusCode) -> bool {
        self.settings.is_failure(status)
    }

    /// Does this path say nothing about the application (`breaker.ignore`)?
    pub(super) fn is_ignored(&self, asked: &Asked) -> bool {
        self.settings.is_ignored(asked.path())
    }

    pub(super) fn slow_time(&self) -> Duration {
        self.settings.slow_time
    }

    pub(super) fn state(&self, asked: &Asked, now: Instant) -> State {
        self.breakers.lock().state(asked.path(), now)
    }

    /// The application's breaker and those of single paths.
    pub(super) fn count(&self) -> usize {
        1 + self.breakers.lock().len()
    }

    pub(super) fn admit(
        self: &Arc<Self>,
        asked: &Arc<Asked>,
        ask: Ask,
        now: Instant,
    ) -> Result<Ticket, Rejected> {
        match self.change_at(now, |breakers, now| breakers.admit(asked.path(), ask, now)) {
            Admission::Admitted(permit) => Ok(Ticket {
                judge: Arc::clone(self),
                asked: Arc::clone(asked),
                permit: Some(permit),
            }),
            Admission::Rejected { state, retry_after, forced } => {
                Err(Rejected { state, retry_after, forced })
            }
        }
    }

    /// The operator keeps everybody out.
    pub(super) fn is_forced_open(&self, now: Instant) -> bool {
        self.breakers.lock().is_forced_open(now)
    }

    /// The operator's word, for `time` or until the next one.
    pub(super) fn order(&self, mode: Mode, time: Option<Duration>) -> Turn {
        let turn = self.change(|breakers, now| breakers.order(mode, time, now));
        self.say_turn(&turn);
        turn
    }

    pub(super) fn report(&self) -> Report {
        self.change(Breakers::report)
    }

    fn say_turn(&self, turn: &Turn) {
        if turn.ends_open() {
            // Whatever was kept from the application comes back step by step.
            self.gatekeeper.reopen();
        }
        warn!("{turn}");
    }

    fn change<T>(&self, step: impl FnOnce(&mut Breakers, Instant) -> T) -> T {
        self.change_at(clock::mono(), step)
    }

    fn change_at<T>(&self, now: Instant, step: impl FnOnce(&mut Breakers, Instant) -> T) -> T {
        let (result, lapse, changes) = {
            let mut breakers = self.breakers.lock();
            let result = step(&mut breakers, now);
            (result, breakers.take_lapse(), breakers.take_changes().collect::<Vec<_>>())
        };
        if let Some(turn) = lapse {
            self.say_turn(&turn);
        }
        if !changes.is_empty() {
            self.changed.notify_one();
        }
        for change in changes {
            if change.level == Level::Application && change.to == State::Closed && !change.dry {
                self.gatekeeper.reopen();
            }
            match change.dry {
                // Without the fields: an alarm on `to="OPEN"` is not meant.
                true => warn!(dry = true, "{change}"),
                false => warn!(from = change.from.as_str(), to = change.to.as_str(), "{change}"),
            }
        }
        result
    }
}

/// Whoever set it a month ago should meet it in the log.
fn say_mode(mode: Mode) {
    let effect = match mode {
        Mode::Auto => return,
        Mode::Open => "the application is not asked",
        Mode::Closed => "the application is asked whatever happens",
        Mode::Dry => "the application is asked whatever happens, and what would be done is logged",
    };
    warn!(mode = mode.as_str(), "breaker.mode: {effect}");
}

/// One line, whatever came back; nothing if nothing is open.
fn say_restored(restored: &[Saved]) {
    let open = restored.iter().filter(|saved| saved.state != State::Closed);
    let paths = open.clone().filter(|saved| saved.level != Level::Application).count();
    if let Some(first) = open.clone().next() {
        let (level, state) = (&first.level, first.state.as_str());
        let seconds = first.remaining.as_secs_f64();
        warn!(
            paths,
            "breaker of {level} was {state} before the restart and is open for another {seconds:.1} s"
        );
    }
}

/// One admitted call. Dropped unrecorded it is neutral and gives its place back.
pub(super) struct Ticket {
    judge: Arc<Judge>,
    asked: Arc<Asked>,
    permit: Option<Permit>,
}

impl Ticket {
    /// A probe of the application, and not only of a path.
    pub(super) fn is_probe_of_all(&self) -> bool {
        self.permit.as_ref().is_some_and(Permit::is_probe_of_all)
    }

    /// A probe of what hung before.
    pub(super) fn may_hang(&self) -> bool {
        self.permit.as_ref().is_some_and(Permit::may_hang)
    }

    pub(super) fn is_probe(&self) -> bool {
        self.permit.as_ref().is_some_and(Permit::is_probe)
    }

    /// Says how the call ended. The first word counts.
    pub(super) fn record(&mut self, outcome: Outcome, now: Instant) {
        if let Some(permit) = self.permit.take() {
            let path = self.asked.path();
            self.judge.change_at(now, |breakers, now| breakers.record(permit, path, outcome, now));
        }
    }

    /// The call is too slow by now, however it may end.
    pub(super) fn overdue(&mut self) {
        if let Some(permit) = &mut self.permit {
            let path = self.asked.path();
            let room = self.judge.gatekeeper.limit();
            self.judge.change(|breakers, now| breakers.overdue(permit, path, room, now));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.judge.change(|breakers, _| breakers.release(permit));
        }
    }
}
