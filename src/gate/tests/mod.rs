//! The gate's claims, on a simulated clock and application.

mod fairness;
mod finding;
mod queueing;
mod simulated;

use super::limit::Limiter;
use super::*;
use std::time::Instant;

fn settings() -> Settings {
    Settings { mode: Mode::Auto, min: 4, max: 256, queue: 256, wait: ms(2_000) }
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A gate, and the moment it was made.
fn gate(settings: &Settings) -> (Gate<u32, u32>, Instant) {
    // Any moment will do: nothing here waits.
    let now = crate::clock::mono();
    (Gate::new(settings, now).expect("it is on"), now)
}

/// A good call of 20 ms.
fn good() -> Ended {
    Ended { path: Some(1), latency: ms(20), good: Some(true) }
}
