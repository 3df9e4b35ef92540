//! How far it is, on stderr: a bar where somebody looks, a line for each scenario otherwise.

use crate::load::SoFar;
use crate::scenario::Scenario;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::Ordering::Relaxed;

pub struct Progress {
    is_watched: bool,
    /// Of which scenario of how many, in words.
    place: String,
}

impl Progress {
    pub fn new() -> Self {
        Self { is_watched: io::stderr().is_terminal(), place: String::new() }
    }

    pub fn begin(&mut self, scenario: &Scenario, number: usize, of: usize) {
        self.place = format!("{number}/{of} {}", scenario.title);
        if !self.is_watched {
            eprintln!("{}: {:.0} s", self.place, scenario.seconds());
        }
    }

    pub fn show(&self, scenario: &Scenario, now: f64, so_far: &SoFar) {
        if self.is_watched {
            let (all, place) = (scenario.seconds(), &self.place);
            let done = (now / all * WIDTH as f64).round().clamp(0.0, WIDTH as f64) as usize;
            let bar = format!("{}{}", "█".repeat(done), "░".repeat(WIDTH - done));
            let (answered, good) = (so_far.answered.load(Relaxed), so_far.good.load(Relaxed));
            let bad = answered.saturating_sub(good);
            say(&format!("{place} {bar} {now:.0}/{all:.0} s, {good} good, {bad} bad"));
        }
    }

    pub fn end(&self) {
        if self.is_watched {
            say("");
        }
    }
}

/// In place of the line that is there.
fn say(words: &str) {
    // Nobody is kept from measuring by a terminal that is gone.
    let _ = write!(io::stderr(), "\r\x1b[K{words}");
}

const WIDTH: usize = 30;
