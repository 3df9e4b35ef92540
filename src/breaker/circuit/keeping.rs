//! One breaker into plain data, and back.

use super::super::saved::{Saved, Tally};
use super::super::{Level, Settings, State, opentime::OpenTime};
use super::{Circuit, Phase};
use std::time::{Duration, Instant};

impl Circuit {
    pub(in super::super) fn name(&self) -> &Level {
        &self.level
    }

    pub(in super::super) fn tally(&mut self, now: Instant) -> Tally {
        self.evidence.tally(now)
    }

    /// `pardon` as in [`Circuit::refusal`]: what may be probed at once has no time left.
    pub(in super::super) fn saved(&mut self, now: Instant, pardon: u64) -> Saved {
        let open_time = self.open_time.length();
        let (open_for, remaining) = match self.phase {
            Phase::Closed => (Duration::ZERO, Duration::ZERO),
            Phase::HalfOpen(_) => (open_time, Duration::ZERO),
            Phase::Open { length, .. } if self.since < pardon => (length, Duration::ZERO),
            Phase::Open { length, .. } => (length, self.open_until(now)),
        };
        let (level, state, tally) = (self.level.clone(), self.state(), self.tally(now));
        Saved { level, state, tally, open_for, remaining, open_time, age: Duration::ZERO }
    }

    /// Believes what it is given: see `Saved::within`.
    pub(in super::super) fn restored(
        saved: &Saved,
        since: u64,
        now: Instant,
        settings: &Settings,
    ) -> Self {
        let mut circuit = match &saved.level {
            Level::Application => Self::of_application(settings),
            Level::Path(path) => Self::of_path(path.clone(), since, now, settings),
        };
        circuit.since = since;
        circuit.open_time = OpenTime::restored(saved.open_time);
        match saved.state {
            State::Closed => circuit.remember(saved, now),
            State::HalfOpen | State::Open => circuit.phase = open(saved, now),
        }
        circuit
    }

    fn remember(&mut self, saved: &Saved, now: Instant) {
        // A machine that started a moment ago has no earlier time.
        let then = now.checked_sub(saved.age).unwrap_or(now);
        self.evidence.restore(&saved.tally, then);
    }
}

/// Open since before the present process, if the machine's clock goes back so far.
fn open(saved: &Saved, now: Instant) -> Phase {
    let passed = saved.open_for.saturating_sub(saved.remaining);
    match now.checked_sub(passed) {
        Some(at) => Phase::Open { at, length: saved.open_for },
        None => Phase::Open { at: now, length: saved.remaining },
    }
}
