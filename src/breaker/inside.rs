//! The book of calls that are still inside the application and already too slow.
//!
//! Other breakers judge what has ended, and so see a total hang last of all: nothing ends. This
//! book lets an overdue call count as slow from the moment it is overdue. Healthy calls are never
//! written down; a line is taken out when its permit comes back, and the whole book is closed at
//! every change of state.

use super::call::Permit;
use std::collections::BTreeMap;
use std::time::Instant;

/// Overdue calls of one breaker's present generation.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside {
    /// By permit id, so that the first is the oldest.
    calls: BTreeMap<u64, Call>,
    /// How many of them each path has.
    paths: BTreeMap<u64, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    path: u64,
    began: Instant,
}

impl Inside {
    pub(super) fn enter(&mut self, permit: &Permit) {
        let call = Call { path: permit.path, began: permit.began };
        if self.calls.insert(permit.id, call).is_none() {
            *self.paths.entry(permit.path).or_default() += 1;
        }
    }

    pub(super) fn leave(&mut self, permit: &Permit) {
        let Some(call) = self.calls.remove(&permit.id) else {
            return;
        };
        if let Some(count) = self.paths.get_mut(&call.path) {
            *count -= 1;
            if *count == 0 {
                self.paths.remove(&call.path);
            }
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.calls.len()).unwrap_or(u32::MAX)
    }

    /// How many paths the overdue calls and these others come from together.
    pub(super) fn paths_with(&self, others: impl Iterator<Item = u64>) -> usize {
        self.paths.len() + others.filter(|path| !self.paths.contains_key(path)).count()
    }

    /// When the oldest overdue call began.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.calls.first_key_value().map(|(_, call)| call.began)
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.paths.clear();
    }
}
