//! A breaker's row: what stands in it, in the frame of every row, under its name.

use super::{Remembered, millis};
use crate::breaker::{Level, State, Tally};
use crate::clock::UnixMillis;
use crate::store::row::{self, Damage, Decode, Encode};
use std::time::Duration;

impl Remembered {
    pub(super) fn encode(&self, name: &str) -> Option<Vec<u8>> {
        let fields = Fields {
            state: self.state as u8,
            open_until: self.open_until.0,
            open_for: millis(self.open_for),
            open_time: millis(self.open_time),
            saved_at: self.saved_at.0,
            counts: counts(&self.tally),
            paths: [self.tally.answers_paths, self.tally.slow_paths, self.tally.run_paths],
        };
        row::encode(name.as_bytes(), VERSION, &fields)
    }

    pub(super) fn decode(name: &str, row: &[u8]) -> Result<Self, Damage> {
        let fields: Fields = row::decode(name.as_bytes(), VERSION, row)?;
        Ok(Self {
            level: level(name)?,
            state: state(fields.state)?,
            tally: tally(&fields),
            open_for: Duration::from_millis(fields.open_for),
            open_until: UnixMillis(fields.open_until),
            open_time: Duration::from_millis(fields.open_time),
            saved_at: UnixMillis(fields.saved_at),
        })
    }
}

pub(super) fn name(level: &Level) -> String {
    match level {
        Level::Application => APPLICATION.to_owned(),
        Level::Path(path) => format!("{PATH}{path}"),
    }
}

fn level(name: &str) -> Result<Level, Damage> {
    match name.strip_prefix(PATH) {
        Some(path) => Ok(Level::Path(path.to_owned())),
        None if name == APPLICATION => Ok(Level::Application),
        None => Err(Damage::OtherKey),
    }
}

/// By the order of strictness.
fn state(number: u8) -> Result<State, Damage> {
    let all = [State::Closed, State::HalfOpen, State::Open];
    all.into_iter().find(|state| *state as u8 == number).ok_or(Damage::Malformed)
}

/// What stands in a row. The order is part of the format.
#[derive(Decode, Encode)]
struct Fields {
    state: u8,
    /// Milliseconds since 1970, as is `saved_at`.
    open_until: u64,
    /// Milliseconds, as is `open_time`.
    open_for: u64,
    open_time: u64,
    saved_at: u64,
    /// In the order of [`Tally`].
    counts: [u32; 6],
    /// In the order of [`Tally`].
    paths: [u8; 3],
}

fn counts(tally: &Tally) -> [u32; 6] {
    let Tally { total, slow, transport, answers, transport_run, answers_run, .. } = *tally;
    [total, slow, transport, answers, transport_run, answers_run]
}

fn tally(fields: &Fields) -> Tally {
    let [total, slow, transport, answers, transport_run, answers_run] = fields.counts;
    let [answers_paths, slow_paths, run_paths] = fields.paths;
    Tally {
        total,
        slow,
        transport,
        answers,
        transport_run,
        answers_run,
        answers_paths,
        slow_paths,
        run_paths,
    }
}

/// "application" sorts before "path".
const APPLICATION: &str = "application";
const PATH: &str = "path ";
const VERSION: u8 = 1;
