//! The scenarios. The first is the measure: after 5,000 requests in 20 s, eight times as many as
//! the application can answer. At first an eighth of them has no copy, 375 a second and falling,
//! and the application makes 400: it is possible to answer every one well.

use crate::application::Mood;
use crate::scenario::{Event, Phase, Scenario};
use std::time::Duration;

/// Variables without their `RETTER_`, and their values.
pub type Settings = &'static [(&'static str, &'static str)];

/// What RETTER is told in all of them; the rest is as it comes.
pub const SETTINGS: Settings = &[("BREAKER_OPEN_MIN", "1"), ("BREAKER_OPEN_MAX", "1")];
/// And in one of them alone: `("total-hang", &[("BACKEND_PATIENCE", "2")])`.
const OWN_SETTINGS: &[(&str, Settings)] = &[];

pub fn all() -> Vec<Scenario> {
    vec![
        scenario("session-storm", "storm with sessions", storm()),
        Scenario { sessions: 0, ..scenario("anonymous-storm", "storm, anonymous", storm()) },
        // Longer than RETTER is to let anybody wait who has a copy, which could not be seen else.
        Scenario {
            waits: Duration::from_secs(4),
            ..scenario("total-hang", "total hang", mishap(Mood::HANGS, 20.0))
        },
        scenario("refused", "refused", mishap(Mood::REFUSED, 10.0)),
        scenario("half-errors", "50 % errors", mishap(Mood::HALF_ERRORS, 10.0)),
        scenario("ramp-up", "slow ramp-up", ramp_up()),
        scenario("flapping", "flapping", flapping()),
        scenario("kill", "kill -9 in mid-storm", kill()),
        scenario("cold-start", "cold start into a storm", cold_start()),
    ]
}

fn scenario(name: &'static str, title: &'static str, phases: Vec<Phase>) -> Scenario {
    let own = OWN_SETTINGS.iter().find(|(of, _)| *of == name);
    let settings = own.map_or(&[] as Settings, |(_, settings)| settings);
    let (sessions, waits) = (SESSIONS, Duration::from_secs(2));
    Scenario { name, title, sessions, waits, settings, phases }
}

fn storm() -> Vec<Phase> {
    vec![warm(), Phase::new(12.0, STORM).storm(), afterwards()]
}

/// Under a load the application can bear when it is well.
fn mishap(mood: Mood, seconds: f64) -> Vec<Phase> {
    let mishap = Phase::new(seconds, BUSY).with(Event::Application(mood)).counted();
    vec![warm(), mishap, well(6.0).healing()]
}

fn ramp_up() -> Vec<Phase> {
    vec![warm(), Phase::new(20.0, 100.0).climbing_to(1500.0).storm(), afterwards()]
}

fn flapping() -> Vec<Phase> {
    let refused = Phase::new(2.0, BUSY).with(Event::Application(Mood::REFUSED)).counted();
    let mut phases = vec![warm()];
    for _ in 0..4 {
        phases.extend([refused, well(2.0)]);
    }
    phases.extend([refused, well(6.0).healing()]);
    phases
}

fn kill() -> Vec<Phase> {
    let storm = Phase::new(6.0, STORM).storm();
    vec![warm(), storm, storm.with(Event::Kill), afterwards()]
}

/// All that was warm is in the file, and nowhere else.
fn cold_start() -> Vec<Phase> {
    let silence = Phase::new(1.0, 0.0);
    let storm = Phase::new(12.0, STORM).storm();
    vec![warm(), silence, silence.with(Event::Kill), storm, afterwards()]
}

fn warm() -> Phase {
    Phase::new(20.0, CALM)
}

fn well(seconds: f64) -> Phase {
    Phase::new(seconds, BUSY).with(Event::Application(Mood::WELL)).counted()
}

/// The load falls to what the application can bear.
fn afterwards() -> Phase {
    Phase::new(5.0, CALM).healing()
}

const SESSIONS: usize = 30;
/// Requests a second; the application makes 400 pages.
const CALM: f64 = 250.0;
const BUSY: f64 = 300.0;
const STORM: f64 = 3000.0;
