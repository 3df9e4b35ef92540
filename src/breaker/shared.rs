//! What all breakers of one [`Breakers`](super::Breakers) have in common.

use super::change::Change;
use super::hand::Mode;
use super::settings::Settings;
use fastrand::Rng;
use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) rng: Rng,
    /// The one that holds, as of the last `settle`.
    pub(super) mode: Mode,
    /// The newest generation of any breaker.
    generation: u64,
    /// So many calls fill the application, as far as the caller lets them in.
    pub(super) room: u32,
    changes: VecDeque<Change>,
}

/// So many changes wait to be taken; then the oldest goes. One call changes at most four times.
const MOST_CHANGES: usize = 256;

impl Shared {
    pub(super) fn new(settings: Settings, seed: u64) -> Self {
        let (rng, mode) = (Rng::with_seed(seed), settings.mode);
        Self { settings, rng, mode, generation: 0, room: u32::MAX, changes: VecDeque::new() }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    pub(super) fn tell(&mut self, change: Change) {
        if self.changes.len() == MOST_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }

    pub(super) fn take_changes(&mut self) -> impl Iterator<Item = Change> + '_ {
        self.changes.drain(..)
    }
}
