//! What is told: phases of load and mishap, one after the other.

use crate::application::Mood;
use crate::arithmetic::arrivals::Span;
use crate::scenarios::Settings;
use std::time::Duration;

#[derive(Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub title: &'static str,
    /// None: all visitors are nobody in particular.
    pub sessions: usize,
    /// So long a visitor waits, and then leaves.
    pub waits: Duration,
    /// Beside those of all scenarios.
    pub settings: Settings,
    pub phases: Vec<Phase>,
}

#[derive(Clone, Copy)]
pub struct Phase {
    pub seconds: f64,
    /// Requests a second, from its begin to its end.
    pub rate: (f64, f64),
    /// What happens as it begins.
    pub event: Event,
    /// Its requests count for what is said about the answers.
    pub counts: bool,
    /// Its time counts for how much of its capacity the application has used.
    pub storm: bool,
    /// What was wrong is over as it begins. The last of these counts.
    pub heals: bool,
}

#[derive(Clone, Copy)]
pub enum Event {
    Nothing,
    /// The application changes.
    Application(Mood),
    /// `kill -9` of RETTER, started again at once.
    Kill,
}

impl Phase {
    pub fn new(seconds: f64, rate: f64) -> Self {
        Self {
            seconds,
            rate: (rate, rate),
            event: Event::Nothing,
            counts: false,
            storm: false,
            heals: false,
        }
    }

    pub fn climbing_to(self, rate: f64) -> Self {
        Self { rate: (self.rate.0, rate), ..self }
    }

    pub fn with(self, event: Event) -> Self {
        Self { event, ..self }
    }

    pub fn counted(self) -> Self {
        Self { counts: true, ..self }
    }

    pub fn storm(self) -> Self {
        Self { storm: true, ..self.counted() }
    }

    pub fn healing(self) -> Self {
        Self { heals: true, ..self }
    }

    /// What begins with it.
    pub fn words(&self) -> String {
        match (self.event, self.rate) {
            (Event::Kill, _) => "kill -9".to_owned(),
            (Event::Application(Mood::REFUSED), _) => "refused".to_owned(),
            (Event::Application(Mood::HANGS), _) => "hangs".to_owned(),
            (Event::Application(Mood::HALF_ERRORS), _) => "50 % errors".to_owned(),
            (Event::Application(Mood::WELL), _) => "well".to_owned(),
            (_, (from, to)) if from < to => format!("{from:.0} to {to:.0}/s"),
            (_, (rate, _)) => format!("{rate:.0}/s"),
        }
    }
}

impl Scenario {
    /// All phases shorter by this factor, but for those that have to show that all is well again.
    pub fn in_short(mut self, factor: f64) -> Self {
        let long = self.phases.iter_mut().filter(|phase| !phase.heals);
        long.for_each(|phase| phase.seconds *= factor);
        self
    }

    pub fn spans(&self) -> Vec<Span> {
        let span = |phase: &Phase| Span { seconds: phase.seconds, rate: phase.rate };
        self.phases.iter().map(span).collect()
    }

    pub fn seconds(&self) -> f64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }

    /// Every phase with when it begins and ends, in seconds.
    pub fn timeline(&self) -> impl Iterator<Item = (&Phase, f64, f64)> {
        self.phases.iter().scan(0.0, |begin, phase| {
            let from = *begin;
            *begin += phase.seconds;
            Some((phase, from, *begin))
        })
    }

    /// Whether a request due at that second counts.
    pub fn counts(&self, due: f64) -> bool {
        self.timeline().any(|(phase, from, to)| phase.counts && (from..to).contains(&due))
    }
}
