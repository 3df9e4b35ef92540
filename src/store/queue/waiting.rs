//! What waits, and in which order: the queue without its lock and its threads.

mod coverage;
mod purge;
mod recovering;

use super::Batch;
use super::lane::Lane;
use super::recent::Recent;
use crate::key::{EntryId, Secret};
use crate::store::breakers::Update;
use crate::store::change::Change;
use crate::store::counters::{Counters, Dropped};
use crate::store::coverage::Covered;
use crate::store::pace::Pace;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) struct Waiting {
    pub state: State,
    pub reopen: bool,
    /// Counts changes, in 256 groups of keys.
    epochs: Box<[u64; 256]>,
    sequence: u64,
    pub pending: HashMap<EntryId, Pending>,
    /// Bytes of all pending changes.
    bytes: usize,
    ready: VecDeque<EntryId>,
    ready_bytes: usize,
    ready_since: Option<Instant>,
    later: BTreeMap<Turn, EntryId>,
    recent: Recent,
    /// Ready, if there are any; not counted with the changes, since there is only one of it.
    breakers: Option<Update>,
    secret: Option<Secret>,
    /// Rides along, and makes nothing ready.
    coverage: Option<Box<Covered>>,
    /// Copies are being brought back from a file that was set aside.
    recovering: bool,
    /// Pages forgotten meanwhile, which must not come back with them.
    gone: HashSet<EntryId>,
    /// Goes before all that waits: see there.
    pub lane: Lane,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// What waits is written at once, what comes then is not.
    Yielding,
    Closing,
    Ended,
}

pub(super) struct Pending {
    pub change: Arc<Change>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Ready,
    Later(Turn),
    /// In the writer's hands.
    Writing,
}

/// When, and a number that makes it one of a kind.
type Turn = (Instant, u64);

pub(super) enum When {
    Never,
    At(Instant),
}

impl Waiting {
    pub fn new(refresh: Duration) -> Self {
        Self {
            state: State::Open,
            reopen: false,
            epochs: Box::new([0; 256]),
            sequence: 0,
            pending: HashMap::new(),
            bytes: 0,
            ready: VecDeque::new(),
            ready_bytes: 0,
            ready_since: None,
            later: BTreeMap::new(),
            recent: Recent::new(refresh),
            breakers: None,
            secret: None,
            coverage: None,
            recovering: false,
            gone: HashSet::new(),
            lane: Lane::default(),
        }
    }

    /// Lets go of everything; the epochs go on.
    pub fn end(&mut self) {
        let epochs = self.epochs.clone();
        *self = Self { state: State::Ended, epochs, ..Self::new(self.recent.refresh) };
    }

    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// How often copies of this one's group have changed.
    pub fn epoch(&mut self, id: EntryId) -> &mut u64 {
        &mut self.epochs[usize::from(id.0[0])]
    }

    /// True when the writer has to hear of it.
    pub fn push(
        &mut self,
        id: EntryId,
        change: Arc<Change>,
        now: Instant,
        counters: &Counters,
    ) -> bool {
        if self.state == State::Ended {
            if matches!(*change, Change::Put { .. }) {
                counters.drop_for(Dropped::NoFile);
            }
            return false;
        }
        let yields = matches!(*change, Change::Discard { .. } | Change::Restore(_));
        if yields && self.pending.contains_key(&id) {
            return false;
        }
        match &*change {
            Change::Restore(_) if self.gone.contains(&id) => return false,
            Change::Forget if self.recovering => drop(self.gone.insert(id)),
            _ => {}
        }
        if !self.make_room(id, &change, counters) {
            counters.drop_for(Dropped::QueueFull);
            return false;
        }
        let change = self.anew_after_damage(id, change);
        let turn = self.turn(id, &change, now);
        self.replace(id, change, turn, now)
    }

    /// True when the writer has to hear of it.
    pub fn push_breakers(&mut self, update: Update, now: Instant) -> bool {
        if self.state == State::Ended {
            return false;
        }
        let is_urgent = update.is_of_states();
        self.breakers = Some(update.over(self.breakers.as_ref()));
        self.make_ready(now) || is_urgent
    }

    /// True when the writer has to hear of it.
    pub fn push_secret(&mut self, secret: Secret, now: Instant) -> bool {
        self.secret.get_or_insert(secret);
        self.make_ready(now)
    }

    /// True when nothing was ready before.
    fn make_ready(&mut self, now: Instant) -> bool {
        let first = self.ready_since.is_none();
        self.ready_since.get_or_insert(now);
        first
    }

    /// Something waits, ready or not.
    pub fn has_work(&self) -> bool {
        !self.pending.is_empty() || self.ready_since.is_some()
    }

    pub fn forget_write(&mut self, id: EntryId) {
        self.recent.forget(id);
    }

    pub fn breakers_failed(&mut self, older: Update, now: Instant) {
        self.breakers = Some(match self.breakers.take() {
            Some(newer) => newer.over(Some(&older)),
            None => older,
        });
        self.ready_since.get_or_insert(now);
    }

    /// Sheds refreshes until the change fits. Forgetting is allowed twice the room: a page that is
    /// gone must not come back because much is going on.
    fn make_room(&mut self, id: EntryId, change: &Change, counters: &Counters) -> bool {
        let factor = 1 + usize::from(!matches!(change, Change::Put { .. }));
        loop {
            let replaced = self.pending.get(&id).map(|pending| pending.change.weight());
            let count = self.pending.len() + usize::from(replaced.is_none());
            let bytes = self.bytes - replaced.unwrap_or(0) + change.weight();
            let alone = self.bytes == replaced.unwrap_or(0);
            if count <= CHANGES_MAX * factor && (bytes <= BYTES_MAX * factor || alone) {
                return true;
            }
            let Some((_, shed)) = self.later.pop_last() else {
                return false;
            };
            if let Some(pending) = self.pending.remove(&shed) {
                self.bytes -= pending.change.weight();
            }
            counters.drop_for(Dropped::QueueFull);
        }
    }

    /// A page that takes the place of a [`Change::Discard`] has to do its work too: the body that
    /// is in the file says the same, by its header, and would be kept.
    fn anew_after_damage(&self, id: EntryId, change: Arc<Change>) -> Arc<Change> {
        let waits = self.pending.get(&id).map(|pending| &*pending.change);
        let is_damaged =
            matches!(waits, Some(Change::Discard { .. } | Change::Put { anew: true, .. }));
        match &*change {
            Change::Put { key, copy, .. } if is_damaged => {
                Arc::new(Change::Put { key: key.clone(), copy: copy.clone(), anew: true })
            }
            _ => change,
        }
    }

    /// When a change may be written; `None`: with the next batch.
    fn turn(&mut self, id: EntryId, change: &Change, now: Instant) -> Option<Turn> {
        let due = self.recent.due(id, change, now)?;
        self.sequence += 1;
        Some((due, self.sequence))
    }

    /// The newest takes the place of what waits under its key.
    fn replace(
        &mut self,
        id: EntryId,
        change: Arc<Change>,
        turn: Option<Turn>,
        now: Instant,
    ) -> bool {
        let weight = change.weight();
        let old = self.pending.get(&id);
        let (old_place, old_weight) = old.map(|old| (old.place, old.change.weight())).unzip();
        let old_weight = old_weight.unwrap_or(0);
        let place = place_after(old_place, turn);
        self.pending.insert(id, Pending { change, place });
        self.bytes = self.bytes - old_weight + weight;
        match (old_place, place) {
            (Some(Place::Ready), _) => {
                self.ready_bytes = self.ready_bytes - old_weight + weight;
                self.is_full_batch()
            }
            (Some(Place::Later(old)), Place::Later(new)) if old == new => false,
            (Some(Place::Later(old)), _) => {
                self.later.remove(&old);
                self.line_up(id, weight, now)
            }
            (_, Place::Later(turn)) => self.wait_for(turn, id),
            _ => self.line_up(id, weight, now),
        }
    }

    /// True when the writer waits for nothing, or for something later than this.
    fn wait_for(&mut self, turn: Turn, id: EntryId) -> bool {
        let first = self.later.first_key_value().is_none_or(|(first, _)| *first > turn);
        self.later.insert(turn, id);
        self.ready.is_empty() && first
    }

    /// True when the writer waits for something later than this.
    fn line_up(&mut self, id: EntryId, weight: usize, now: Instant) -> bool {
        self.ready.push_back(id);
        self.ready_bytes += weight;
        let first = self.ready_since.is_none();
        self.ready_since.get_or_insert(now);
        first || self.is_full_batch()
    }

    fn is_full_batch(&self) -> bool {
        self.ready.len() >= BATCH_CHANGES || self.ready_bytes >= BATCH_BYTES
    }

    /// When the next batch is to be written.
    pub fn when(&mut self, now: Instant, pace: &Pace) -> When {
        self.call_up(now);
        let closing = self.state != State::Open;
        if let Some(since) = self.lane.since() {
            return When::At(if closing { now } else { pace.earliest(since) });
        }
        match (self.ready_since, self.later.first_key_value()) {
            _ if self.has_last_word() => When::At(now),
            (Some(_), _) if closing => When::At(now),
            (Some(since), _) if self.is_full_batch() || self.lane.wanted => {
                When::At(pace.earliest(since))
            }
            (Some(since), _) if self.is_urgent() => When::At(pace.soon(since)),
            (Some(since), _) => When::At(pace.due(since)),
            (None, Some(((due, _), _))) => When::At(*due),
            (None, None) => When::Never,
        }
    }

    /// What a breaker has become must be known after a kill, or the application is asked too soon.
    fn is_urgent(&self) -> bool {
        self.breakers.as_ref().is_some_and(Update::is_of_states)
    }

    /// From `later` to `ready`: those whose time has come; all of them at the end.
    fn call_up(&mut self, now: Instant) {
        while let Some(entry) = self.later.first_entry() {
            if entry.key().0 > now && self.state == State::Open {
                return;
            }
            let id = entry.remove();
            if let Some(pending) = self.pending.get_mut(&id) {
                pending.place = Place::Ready;
                let weight = pending.change.weight();
                self.line_up(id, weight, now);
            }
        }
    }

    pub fn take(&mut self, now: Instant) -> Batch {
        if let Some(purge) = self.lane.take() {
            return Batch::purging(purge);
        }
        let (mut batch, mut bytes) = (Batch::default(), 0);
        batch.breakers = self.breakers.take();
        batch.secret = self.secret.take();
        batch.coverage = self.coverage.take();
        self.recent.make_room(BATCH_CHANGES, now);
        while batch.changes.len() < BATCH_CHANGES && (bytes < BATCH_BYTES) {
            let Some(id) = self.ready.pop_front() else {
                break;
            };
            let Some(pending) = self.pending.get_mut(&id) else {
                continue;
            };
            pending.place = Place::Writing;
            let change = pending.change.clone();
            bytes += change.weight();
            self.recent.note(id, &change, now);
            batch.changes.push((id, change));
        }
        self.ready_bytes = self.ready_bytes.saturating_sub(bytes);
        self.ready_since = (!self.ready.is_empty()).then_some(now);
        self.lane.changes_had_their_turn();
        batch
    }

    pub fn done(&mut self, id: EntryId, change: &Arc<Change>) {
        if self.is_newest(id, change) {
            self.pending.remove(&id);
            self.bytes -= change.weight();
        }
    }

    pub fn failed(&mut self, id: EntryId, change: &Arc<Change>, now: Instant) {
        self.recent.forget(id);
        if !self.is_newest(id, change) {
            return;
        }
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.place = Place::Ready;
        }
        self.ready.push_front(id);
        self.ready_bytes += change.weight();
        self.ready_since.get_or_insert(now);
    }

    fn is_newest(&self, id: EntryId, change: &Arc<Change>) -> bool {
        self.pending.get(&id).is_some_and(|pending| Arc::ptr_eq(&pending.change, change))
    }
}

/// A change that waits in line keeps its place: the newest must not wait longer than the first.
fn place_after(old: Option<Place>, turn: Option<Turn>) -> Place {
    match (old, turn) {
        (Some(Place::Ready), _) | (_, None) => Place::Ready,
        (Some(Place::Later(old)), Some(_)) => Place::Later(old),
        (_, Some(turn)) => Place::Later(turn),
    }
}

/// Changes that may wait.
pub(super) const CHANGES_MAX: usize = 8_192;
/// Bytes that may wait; one larger change may wait alone.
pub(super) const BYTES_MAX: usize = 32 * 1024 * 1024;
/// A batch is full at this many changes...
pub(super) const BATCH_CHANGES: usize = 500;
/// ... or this many bytes.
pub(super) const BATCH_BYTES: usize = 8 * 1024 * 1024;
