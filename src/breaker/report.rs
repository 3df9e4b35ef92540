//! How the breakers stand, for whoever wants to look.

use super::Breakers;
use super::call::State;
use super::change::{Level, Numbers};
use super::hand::Held;
use std::time::{Duration, Instant};

/// Both levels at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub held: Held,
    /// What a visitor is told of a page without a breaker of its own.
    pub shown: State,
    /// By its own judgement, whatever the operator's hand makes of it.
    pub application: Standing,
    /// How many paths have a breaker: those that are or were in trouble.
    pub paths: usize,
    /// How many of them are open.
    pub open: usize,
    /// How many of them are half-open.
    pub half_open: usize,
    /// The first names of those that are not closed, the last one asked for first; cut to a length
    /// that fits a log line.
    pub names: Vec<String>,
}

/// One breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    /// How long it stays open; zero: its time is over, and the next call is the probe.
    pub open_for: Option<Duration>,
    /// What it has counted in its window; an open one begins anew.
    pub numbers: Numbers,
}

/// So many names are enough to see what it is about.
const NAMES: usize = 5;

impl Breakers {
    /// Looks at all of them: a millisecond when 10,000 paths are in trouble.
    pub fn report(&mut self, now: Instant) -> Report {
        self.settle(now);
        let troubled = self.paths.circuits().filter(|path| path.state() != State::Closed);
        let (mut open, mut half_open, mut names) = (0, 0, Vec::new());
        for circuit in troubled {
            match circuit.state() {
                State::HalfOpen => half_open += 1,
                _ => open += 1,
            }
            if let (true, Level::Path(name)) = (names.len() < NAMES, circuit.name()) {
                names.push(name.clone());
            }
        }
        Report {
            held: self.hand.held(now),
            shown: self.shown(self.application.state(), now),
            application: self.application.standing(now),
            paths: self.paths.len(),
            open,
            half_open,
            names,
        }
    }
}
