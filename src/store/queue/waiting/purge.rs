//! What a purge does to the changes that wait.

use super::{Pending, Place, State, Waiting};
use crate::key::EntryId;
use crate::store::change::Change;
use crate::store::queue::Chunk;
use std::sync::Arc;
use std::time::Instant;

impl Waiting {
    /// A purge may begin its chunk: none is under way, and the changes that waited meanwhile have
    /// had their turn.
    pub fn has_room_for_purge(&self) -> bool {
        self.lane.is_free() && (self.ready_since.is_none() || self.lane.is_next())
    }

    /// What waits of these copies is overtaken by their purge: gone, or not fresh any more. What is
    /// put from here on is newer, and written after it.
    pub fn purge(&mut self, chunk: Arc<Chunk>, now: Instant) {
        self.overtake(&chunk, now);
        if self.state != State::Ended {
            self.lane.enter(chunk, now);
        }
    }

    /// In the queue alone.
    pub fn overtake(&mut self, chunk: &Chunk, now: Instant) {
        for &id in &chunk.ids {
            *self.epoch(id) += 1;
            self.recent.forget(id);
            if chunk.hard { self.drop_pending(id) } else { self.purge_pending(id, now) }
        }
        if chunk.hard {
            self.ready.retain(|id| self.pending.contains_key(id));
        }
    }

    fn drop_pending(&mut self, id: EntryId) {
        let Some(Pending { change, place }) = self.pending.remove(&id) else { return };
        self.bytes -= change.weight();
        match place {
            Place::Ready => self.ready_bytes = self.ready_bytes.saturating_sub(change.weight()),
            Place::Later(turn) => drop(self.later.remove(&turn)),
            // Its batch is written before the purge.
            Place::Writing => {}
        }
    }

    fn purge_pending(&mut self, id: EntryId, now: Instant) {
        let pending = self.pending.get(&id).map(|pending| pending.change.clone());
        if let Some(Change::Put { key, copy, anew }) = pending.as_deref() {
            let purged = Change::Put { key: key.clone(), copy: copy.purged(), anew: *anew };
            self.replace(id, Arc::new(purged), None, now);
        }
    }
}
