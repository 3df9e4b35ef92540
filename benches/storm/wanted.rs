//! What is to be reached.

use crate::figure::Figure::{self, *};

#[derive(Clone, Copy)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

type Bounds = &'static [(Figure, Bound)];

/// The bounds of each scenario that has its own.
const WANTED: [(&str, Bounds); 2] = [
    (
        "session-storm",
        &[
            (Good, AtLeast(99.9)),
            (P99, AtMost(100.0)),
            (OverflowsOfFinished, AtMost(1.0)),
            (CapacityUsed, AtLeast(90.0)),
            (WrongPages, AtMost(0.0)),
            (PeakMemory, AtMost(400.0)),
        ],
    ),
    (
        "total-hang",
        &[
            (GoodWithCopy, AtLeast(99.9)),
            (RescueP99, AtMost(20.0)),
            (Recovery, AtMost(3.0)),
            (WrongPages, AtMost(0.0)),
            (SlowestWithCopy, AtMost(2200.0)),
            // `breaker.slow.time` and a second.
            (OpensAfter, AtMost(11.0)),
            (SlowestOnceOpen, AtMost(20.0)),
        ],
    ),
];

const WANTED_OF_ALL: Bounds = &[
    (GoodWithCopy, AtLeast(99.9)),
    (RescueP99, AtMost(20.0)),
    (Recovery, AtMost(3.0)),
    (WrongPages, AtMost(0.0)),
];

pub fn wanted(scenario: &str) -> Bounds {
    let own = WANTED.iter().find(|(name, _)| *name == scenario);
    own.map_or(WANTED_OF_ALL, |(_, bounds)| bounds)
}

impl Bound {
    pub fn holds(self, value: f64) -> bool {
        match self {
            AtLeast(bound) => value >= bound,
            AtMost(bound) => value <= bound,
        }
    }

    pub fn words(self, figure: Figure) -> String {
        match self {
            AtLeast(bound) => format!("≥ {}", figure.unit().show(bound)),
            AtMost(bound) => format!("≤ {}", figure.unit().show(bound)),
        }
    }
}
