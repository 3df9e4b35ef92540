//! The breakers of single paths: few, and only of paths that are or were in trouble.
//!
//! An entry is made by a path's first failure or overdue call, so a healthy site costs one look
//! into an empty map. The price: what a path did before its first trouble is not known, and its
//! rates start from there.
//!
//! Keyed by a hash with a secret of this process: two paths that share a breaker cannot be
//! constructed, and 8 KiB of URL are not kept 10,000 times.

use super::call::{Permit, State};
use super::change::Level;
use super::circuit::Circuit;
use super::settings::Settings;
use super::shared::Shared;
use lru::LruCache;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::time::Instant;

/// At most so many (about 6 MB, 11 MB with the longest names); the least recently asked for goes
/// first.
pub(super) const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Bytes of a path that are kept for the log.
pub(super) const NAME_LENGTH: usize = 512;

/// The bounded map.
#[derive(Debug)]
pub(super) struct Paths {
    circuits: LruCache<u64, Circuit>,
    secret: RandomState,
    /// The newest generation among the forgotten entries: a path that comes back must not be
    /// judged by calls from before.
    forgotten: u64,
}

impl Paths {
    pub(super) fn new() -> Self {
        let circuits = LruCache::sparse(CAPACITY);
        Self { circuits, secret: RandomState::new(), forgotten: 0 }
    }

    pub(super) fn key(&self, path: &str) -> u64 {
        self.secret.hash_one(path)
    }

    pub(super) fn len(&self) -> usize {
        self.circuits.len()
    }

    pub(super) fn peek(&self, key: u64) -> Option<&Circuit> {
        self.circuits.peek(&key)
    }

    pub(super) fn get(&mut self, key: u64) -> Option<&mut Circuit> {
        self.circuits.get_mut(&key)
    }

    /// The path's breaker, made now if this call may still be judged by it.
    pub(super) fn get_or_make(
        &mut self,
        permit: &Permit,
        path: &str,
        now: Instant,
        settings: &Settings,
    ) -> Option<&mut Circuit> {
        if !self.circuits.contains(&permit.path) && permit.generation >= self.forgotten {
            let circuit = Circuit::of_path(name(path), self.forgotten, now, settings);
            let pushed_out = self.circuits.push(permit.path, circuit);
            self.forget(pushed_out.map(|(_, circuit)| circuit));
        }
        self.get(permit.path)
    }

    /// From before a restart; false when there is no room.
    pub(super) fn restore(&mut self, path: &str, circuit: Circuit) -> bool {
        let room = self.circuits.len() < CAPACITY.get();
        if room {
            self.circuits.put(self.key(path), circuit);
        }
        room
    }

    /// Those whose name is the whole path.
    pub(super) fn named(&mut self) -> impl Iterator<Item = &mut Circuit> {
        let secret = &self.secret;
        let named = self.circuits.iter_mut().filter(|(key, circuit)| match circuit.name() {
            Level::Path(name) => secret.hash_one(name.as_str()) == **key,
            Level::Application => false,
        });
        named.map(|(_, circuit)| circuit)
    }

    /// Healthy again, and nothing on record: no entry needed.
    pub(super) fn drop_if_idle(&mut self, key: u64, now: Instant) {
        if self.get(key).is_some_and(|circuit| circuit.is_idle(now)) {
            let dropped = self.circuits.pop(&key);
            self.forget(dropped);
        }
    }

    /// Forgets those that are not closed, and says how many there were. To forget is to close: what a
    /// path did is not known without an entry.
    pub(super) fn close_by_hand(&mut self, shared: &mut Shared) -> usize {
        let troubled = self.circuits.iter().filter(|(_, circuit)| circuit.state() != State::Closed);
        let keys = troubled.map(|(key, _)| *key).collect::<Vec<_>>();
        for key in &keys {
            self.circuits.pop(key);
        }
        if !keys.is_empty() {
            // Calls from before make no new ones, and what is written down is not right any more.
            self.forgotten = shared.next_generation();
        }
        keys.len()
    }

    fn forget(&mut self, circuit: Option<Circuit>) {
        let since = circuit.map_or(0, |circuit| circuit.since());
        self.forgotten = self.forgotten.max(since);
    }

    /// The one asked for last comes first.
    pub(super) fn circuits(&self) -> impl Iterator<Item = &Circuit> {
        self.circuits.iter().map(|(_, circuit)| circuit)
    }
}

fn name(path: &str) -> String {
    path[..path.floor_char_boundary(NAME_LENGTH)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_cut_for_the_log_at_a_whole_character() {
        assert_eq!(name("/short"), "/short");
        let cut = name(&format!("/a{}", "é".repeat(5_000)));
        assert_eq!(cut.len(), NAME_LENGTH);
    }
}
