//! What waits while copies are brought back from a file that was set aside.

use super::{BYTES_MAX, CHANGES_MAX, Pending, Place, Waiting};
use crate::key::Identity;
use crate::store::change::Change;
use std::collections::HashSet;

impl Waiting {
    pub fn begin_recovering(&mut self) -> bool {
        !std::mem::replace(&mut self.recovering, true)
    }

    pub fn end_recovering(&mut self) {
        (self.recovering, self.gone) = (false, HashSet::new());
    }

    pub fn is_recovering(&self) -> bool {
        self.recovering
    }

    /// None of what is brought back waits any more, nor does its secret.
    pub fn has_restored(&self) -> bool {
        let is_restore = |pending: &Pending| matches!(*pending.change, Change::Restore(_));
        self.secret.is_none() && !self.pending.values().any(is_restore)
    }

    /// Half of the queue stays free for requests.
    pub fn has_room_to_spare(&self, change: &Change) -> bool {
        let bytes = self.bytes + change.weight();
        self.pending.is_empty() || (self.pending.len() < CHANGES_MAX / 2 && bytes <= BYTES_MAX / 2)
    }

    /// Lets go of what waits for people.
    pub fn drop_personal(&mut self) {
        let is_personal = |change: &Change| match change {
            Change::Put { key, .. } => key.identity != Identity::Anonymous,
            _ => false,
        };
        let Self { pending, bytes, ready_bytes, .. } = self;
        pending.retain(|_, pending| {
            let goes = is_personal(&pending.change) && pending.place != Place::Writing;
            if goes {
                *bytes -= pending.change.weight();
            }
            if goes && pending.place == Place::Ready {
                *ready_bytes = ready_bytes.saturating_sub(pending.change.weight());
            }
            !goes
        });
    }
}
