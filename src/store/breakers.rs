//! The breakers' memory (`breakers.v1`): what must still be known after `kill -9`.
//!
//! The application's breaker is the row `application`, that of a path `path /the/path`. Lengths of
//! time become moments of the wall clock here, since nothing else means anything to the next
//! process; whoever reads them back does not believe them blindly (`breaker::Saved`). A path that
//! has closed has no row.
//!
//! A path's row is written when its state has changed and not again; the application's is written
//! with every change of its counts too. Nothing of a visitor is in here: the breaker knows neither
//! query nor session.

mod fields;

use super::Store;
use super::file::{BREAKERS, guarded};
use crate::breaker::{LONGEST_NAME, Level, Saved, State, Tally, Unsaved};
use crate::clock::UnixMillis;
use fields::name;
use redb::{ReadableTable, Table};
use std::collections::BTreeMap;
use std::time::Duration;

/// One breaker as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    pub level: Level,
    pub state: State,
    pub tally: Tally,
    /// How long it was opened for; zero while closed.
    pub open_for: Duration,
    /// When a probe may go through; not after `saved_at` if at once.
    pub open_until: UnixMillis,
    /// The open time reached by doubling.
    pub open_time: Duration,
    pub saved_at: UnixMillis,
}

/// A row that cannot be believed, and in what way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The row's name, cut to a length that fits a line.
    pub name: String,
    pub reason: &'static str,
}

/// All rows, the application's first; 10,001 of them at most.
///
/// # Errors
/// What redb says; a damaged row is no error but an entry of the list.
pub fn list(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Vec<Result<Remembered, Damaged>>, redb::Error> {
    let mut found = Vec::new();
    for row in table.iter()?.take(ROWS_MAX) {
        let (name, bytes) = row?;
        let name = name.value();
        found.push(Remembered::decode(name, bytes.value()).map_err(|damage| Damaged {
            name: name[..name.floor_char_boundary(LONGEST_NAME)].to_owned(),
            reason: damage.as_str(),
        }));
    }
    Ok(found)
}

impl Store {
    /// Takes what is to be remembered of the breakers, as of `now`. Never waits for the disk.
    pub fn put_breakers(&self, unsaved: Unsaved, now: UnixMillis) {
        if let Some(update) = Update::of(unsaved, now) {
            self.shared.queue.push_breakers(update);
        }
    }

    /// What the file remembers of the breakers, for a start. Blocks for a millisecond; nothing
    /// without a file. A damaged row is dropped.
    pub fn breakers(&self, now: UnixMillis) -> Vec<Saved> {
        let Some(db) = self.shared.file.get() else {
            return Vec::new();
        };
        let rows = guarded(|| list(&db.begin_read()?.open_table(BREAKERS)?));
        let rows = rows.inspect_err(|fault| self.shared.lost(&db, fault)).unwrap_or_default();
        let (sound, damaged): (Vec<_>, Vec<_>) = rows.into_iter().partition(Result::is_ok);
        for Damaged { name, reason } in damaged.into_iter().filter_map(Result::err) {
            tracing::warn!(?name, reason, "what was remembered of a breaker is damaged: dropped");
        }
        sound.into_iter().flatten().map(|breaker: Remembered| breaker.at(now)).collect()
    }
}

/// What waits to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Update {
    application: Option<Remembered>,
    /// All of them, if one has changed.
    paths: Option<Vec<Remembered>>,
}

impl Update {
    /// `None`: nothing has changed.
    pub fn of(saved: Unsaved, at: UnixMillis) -> Option<Self> {
        let remember = |saved| Remembered::of(saved, at);
        match saved {
            Unsaved::Nothing => None,
            Unsaved::Counts(application) => {
                Some(Self { application: Some(remember(*application)), paths: None })
            }
            Unsaved::All(saved) => {
                let is_application = |saved: &Remembered| saved.level == Level::Application;
                let (mut application, paths): (Vec<_>, Vec<_>) =
                    saved.into_iter().map(remember).partition(is_application);
                Some(Self { application: application.pop(), paths: Some(paths) })
            }
        }
    }

    /// Of more than the application's counts.
    pub fn is_of_states(&self) -> bool {
        self.paths.is_some()
    }

    /// With what only the older one knows.
    pub fn over(self, older: Option<&Update>) -> Self {
        let Some(older) = older else { return self };
        Self {
            application: self.application.or_else(|| older.application.clone()),
            paths: self.paths.or_else(|| older.paths.clone()),
        }
    }

    pub fn write(&self, table: &mut Breakers) -> Result<(), redb::Error> {
        if let Some(application) = &self.application {
            put(table, application)?;
        }
        self.paths.as_deref().map_or(Ok(()), |paths| write_paths(table, paths))
    }
}

/// Removes what is not there any more, and leaves alone what says the same.
fn write_paths(table: &mut Breakers, paths: &[Remembered]) -> Result<(), redb::Error> {
    let mut wanted: BTreeMap<String, &Remembered> =
        paths.iter().map(|path| (name(&path.level), path)).collect();
    let own = name(&Level::Application);
    table.retain(|name, bytes| {
        let kept = wanted.get(name).is_some_and(|wanted| {
            Remembered::decode(name, bytes).is_ok_and(|old| old.says_the_same_as(wanted))
        });
        if kept {
            wanted.remove(name);
        }
        kept || name == own
    })?;
    wanted.into_values().try_for_each(|path| put(table, path))
}

fn put(table: &mut Breakers, breaker: &Remembered) -> Result<(), redb::Error> {
    let name = name(&breaker.level);
    // A row of some 60 bytes is never too large.
    if let Some(row) = breaker.encode(&name) {
        table.insert(name.as_str(), row.as_slice())?;
    }
    Ok(())
}

impl Remembered {
    fn of(saved: Saved, at: UnixMillis) -> Self {
        Self {
            level: saved.level,
            state: saved.state,
            tally: saved.tally,
            open_for: saved.open_for,
            open_until: UnixMillis(at.0.saturating_add(millis(saved.remaining))),
            open_time: saved.open_time,
            saved_at: at,
        }
    }

    /// A row by its name, for fuzzing.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of_row(name: &str, row: &[u8]) -> Option<Self> {
        Self::decode(name, row).ok()
    }

    /// The row and its name, for fuzzing.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn row(&self) -> (String, Option<Vec<u8>>) {
        let name = name(&self.level);
        let row = self.encode(&name);
        (name, row)
    }

    /// As plain lengths of time, seen from `now`.
    pub fn at(self, now: UnixMillis) -> Saved {
        Saved {
            level: self.level,
            state: self.state,
            tally: self.tally,
            open_for: self.open_for,
            remaining: self.open_until.since(now),
            open_time: self.open_time,
            age: now.since(self.saved_at),
        }
    }

    /// The two clocks drift apart by less than the tolerance between two saves.
    fn says_the_same_as(&self, other: &Self) -> bool {
        self.state == other.state
            && millis(self.open_for) == millis(other.open_for)
            && millis(self.open_time) == millis(other.open_time)
            && (self.open_until.0.abs_diff(other.open_until.0) <= DRIFT_MS
                || self.open_until.max(other.open_until) <= other.saved_at)
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) type Breakers<'t> = Table<'t, &'static str, &'static [u8]>;

/// The application's and 10,000 paths'.
const ROWS_MAX: usize = 10_001;
const DRIFT_MS: u64 = 1_000;

#[cfg(test)]
mod tests;
