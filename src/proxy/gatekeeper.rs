//! The gate, behind its lock, and slots that give themselves back.

use super::asked::{Asked, Kind};
use crate::clock;
use crate::gate::{Class, Client, Ended, Figures, Gate, Key, Next, Settings, Slot, Waiting, Wish};
use crate::meter::Tally;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

pub(super) struct Gatekeeper {
    settings: Settings,
    /// None with `gate.mode = off`. A plain mutex: never held across an await.
    gate: Option<Guarded>,
    /// Requests that were rescued before, and now have a slot.
    refreshes: mpsc::UnboundedSender<Refresh>,
    hasher: RandomState,
    /// Places for calls that wait for their clients, and hold no slot: as many as there may be slots.
    outside: Arc<Semaphore>,
    pub(super) tally: Tally,
}

type Waiters = Gate<oneshot::Sender<Turn>, Arc<Asked>>;
type Guarded = Mutex<Waiters>;

/// A copy to be refreshed, and the slot for it.
pub(super) type Refresh = (Arc<Asked>, Held);

/// What waiting brought.
pub(super) enum Turn {
    /// Its own slot.
    Slot(Held),
    /// Another request's call has brought what it waited for.
    Look,
    /// Somebody who waits for less needed the place in the queue.
    Displaced,
}

/// At the gate.
pub(super) enum Entered {
    /// `None`: this one needs no slot.
    In(Option<Held>),
    Full,
}

impl Gatekeeper {
    /// And where the refreshes come out, as many as there are slots at most.
    pub(super) fn new(settings: Settings) -> (Arc<Self>, mpsc::UnboundedReceiver<Refresh>) {
        let (refreshes, begun) = mpsc::unbounded_channel();
        let gate = Gate::new(&settings, clock::mono()).map(Mutex::new);
        let outside = Arc::new(Semaphore::new(settings.max as usize));
        let (hasher, tally) = (RandomState::new(), Tally::default());
        (Arc::new(Self { settings, gate, refreshes, hasher, outside, tally }), begun)
    }

    /// A free slot, or for a probe any.
    pub(super) fn enter(self: &Arc<Self>, asked: &Asked, is_probe: bool, now: Instant) -> Entered {
        let Some(gate) = &self.gate else { return Entered::In(None) };
        let slot = match is_probe {
            true => Some(gate.lock().enter_anyway(now)),
            false => gate.lock().enter(now),
        };
        match slot {
            Some(slot) => Entered::In(Some(self.held(slot, now).of(asked))),
            None => {
                // What was put on the list meanwhile.
                self.pass_on(gate, now);
                Entered::Full
            }
        }
    }

    /// Waits until `deadline` for a slot or for the answer of another call with this key. `None`: too
    /// long, or there is no room to wait.
    pub(super) async fn wait(
        self: &Arc<Self>,
        asked: &Asked,
        key: Option<Key>,
        deadline: Instant,
    ) -> Option<Turn> {
        let gate = self.gate.as_ref()?;
        let class = if asked.kind == Kind::Other { Class::Other } else { Class::NoCopy };
        let wish = Wish { class, key, client: self.client(asked) };
        let (waker, woken) = oneshot::channel();
        let now = clock::mono();
        let waiting = gate.lock().wait(wish, waker, now);
        let Waiting::Queued(number, out) = waiting else {
            self.tally.up("queue-full");
            return None;
        };
        if let Some(out) = out {
            self.tally.up("displaced");
            let _ = out.send(Turn::Displaced);
        }
        let mut seat = Seat { keeper: self, number, is_taken: true };
        self.pass_on(gate, now);
        let woken = self.until_woken(gate, woken, deadline).await;
        seat.is_taken = woken.is_none();
        match woken {
            Some(Turn::Slot(held)) => Some(Turn::Slot(held.of(asked))),
            Some(turn) => Some(turn),
            None => {
                self.tally.up("waited-too-long");
                None
            }
        }
    }

    /// Looks from time to time whether there is more room by now: that comes with time alone too.
    async fn until_woken(
        self: &Arc<Self>,
        gate: &Guarded,
        mut woken: oneshot::Receiver<Turn>,
        deadline: Instant,
    ) -> Option<Turn> {
        loop {
            let now = clock::mono();
            let left = deadline.saturating_duration_since(now);
            match timeout(left.min(LOOK_AGAIN), &mut woken).await {
                Ok(turn) => return turn.ok(),
                Err(_) if left <= LOOK_AGAIN => return None,
                Err(_) => self.pass_on(gate, clock::mono()),
            }
        }
    }

    /// Until when a request may wait that begins now.
    pub(super) fn deadline(&self) -> Instant {
        clock::mono() + self.settings.wait
    }

    /// The copy this request was rescued by is to be refreshed when there is a slot left.
    pub(super) fn want_refresh(self: &Arc<Self>, asked: &Arc<Asked>, key: Key, made: u64) {
        let Some(gate) = &self.gate else { return };
        let (now, client) = (clock::mono(), self.client(asked));
        let again = || Arc::new(asked.again());
        let out = gate.lock().want_refresh(key, client, made, again, now);
        drop(out);
    }

    /// The application is back after an outage.
    pub(super) fn reopen(&self) {
        if let Some(gate) = &self.gate {
            gate.lock().reopen(clock::mono());
        }
    }

    /// How many may be inside; `None` for any number.
    pub(super) fn limit(&self) -> Option<u32> {
        Some(self.gate.as_ref()?.lock().limit(clock::mono()))
    }

    /// There is a slot that nobody waits for.
    pub(super) fn has_room(&self) -> bool {
        self.gate.as_ref().is_none_or(|gate| gate.lock().has_room(clock::mono()))
    }

    pub(super) fn figures(&self) -> Option<Figures> {
        Some(self.gate.as_ref()?.lock().figures(clock::mono()))
    }

    /// What happened at the gate, and how often.
    pub(super) fn happened(&self) -> BTreeMap<&'static str, u64> {
        let never = WORDS.into_iter().map(|word| (word, 0));
        never.chain(self.tally.read()).collect()
    }

    fn held(self: &Arc<Self>, slot: Slot, now: Instant) -> Held {
        let keeper = Arc::clone(self);
        let (slot, outside) = (Some(slot), None);
        Held { keeper, slot, outside, path: None, began: now, latency: None, good: None }
    }

    /// Gives away what is free, after every change.
    fn pass_on(self: &Arc<Self>, gate: &Guarded, now: Instant) {
        loop {
            let next = gate.lock().next(now);
            let unused = match next {
                None => return,
                Some(Next::Waiter(waker, slot)) => {
                    match waker.send(Turn::Slot(self.held(slot, now))) {
                        // He has left.
                        Err(Turn::Slot(held)) => held,
                        _ => continue,
                    }
                }
                Some(Next::Refresh(asked, slot)) => {
                    let held = self.held(slot, now).of(&asked);
                    match self.refreshes.send((asked, held)) {
                        Err(mpsc::error::SendError((_, held))) => held,
                        Ok(()) => {
                            self.tally.up("refreshed");
                            continue;
                        }
                    }
                }
            };
            unused.leave_unused(gate, now);
        }
    }

    /// One client under one path.
    pub(super) fn bringer(&self, asked: &Asked) -> u64 {
        self.hasher.hash_one((self.client(asked), asked.path()))
    }

    /// One household, as far as an address tells (RFC 6177: a site has a /64 at least).
    fn client(&self, asked: &Asked) -> Client {
        match asked.address() {
            IpAddr::V4(address) => self.hasher.hash_one(address),
            IpAddr::V6(address) => self.hasher.hash_one(&address.octets()[..8]),
        }
    }
}

/// A step of the ramp is longer, and so is one of a gate that is stuck.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What is counted.
const WORDS: [&str; 6] =
    ["displaced", "joined", "queue-full", "refreshed", "rescued", "waited-too-long"];

/// A place in the queue, given up when dropped.
struct Seat<'a> {
    keeper: &'a Arc<Gatekeeper>,
    number: u64,
    is_taken: bool,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.keeper.gate.as_ref().filter(|_| self.is_taken) {
            gate.lock().give_up(self.number);
        }
    }
}

/// A slot, held until the call has truly ended; dropping it gives it back.
pub(super) struct Held {
    keeper: Arc<Gatekeeper>,
    /// None while the call waits for its client.
    slot: Option<Slot>,
    /// One of the places for calls that do.
    outside: Option<OwnedSemaphorePermit>,
    /// None where the time is not the application's alone: an upload has its client's in it.
    path: Option<u64>,
    began: Instant,
    latency: Option<Duration>,
    good: Option<bool>,
}

impl Held {
    fn of(mut self, asked: &Asked) -> Self {
        if asked.kind != Kind::Other {
            self.path = Some(self.keeper.hasher.hash_one(asked.path()));
        }
        self
    }

    /// The call waits for its client: until [`Held::step_in`] its slot is another's. If there are too
    /// many of that kind, it keeps it.
    pub(super) fn step_out(&mut self) {
        if self.slot.is_none() {
            return;
        }
        if let Ok(place) = Arc::clone(&self.keeper.outside).try_acquire_owned() {
            // How long it took was the client's doing.
            (self.path, self.good) = (None, None);
            self.leave();
            self.outside = Some(place);
        }
    }

    /// The application works on it again: it counts, whether or not there is a free slot.
    pub(super) fn step_in(&mut self) {
        if let (Some(gate), Some(_)) = (&self.keeper.gate, self.outside.take()) {
            // What it takes from now on is its own.
            self.began = clock::mono();
            self.slot = Some(gate.lock().enter_anyway(self.began));
        }
    }

    fn leave(&mut self) {
        let (Some(gate), Some(slot)) = (&self.keeper.gate, self.slot.take()) else { return };
        let now = clock::mono();
        let is_quiet = {
            let mut gate = gate.lock();
            gate.leave(slot, self.told(now), now);
            gate.is_quiet()
        };
        if !is_quiet {
            self.keeper.pass_on(gate, now);
        }
    }

    /// The application has said what it had to say before anybody else had a part in it: the time
    /// until now is its own.
    pub(super) fn answered(&mut self, now: Instant) {
        self.latency.get_or_insert(now.saturating_duration_since(self.began));
    }

    /// How the call ended, if that says anything.
    pub(super) fn ended(&mut self, good: bool) {
        self.good.get_or_insert(good);
    }

    /// It says nothing about the application.
    pub(super) fn says_nothing(&mut self) {
        self.path = None;
    }

    /// Others wait for what this call brings, or may begin to.
    pub(super) fn is_awaited(&self) -> bool {
        self.slot.as_ref().is_some_and(Slot::is_awaited)
    }

    /// There may be a copy now for all who wait for the same page; not after a failure, which is
    /// nobody's answer.
    pub(super) fn share(&mut self) {
        if self.good == Some(false) {
            return;
        }
        let waiting = self.at_gate(Gate::share).unwrap_or_default();
        for waker in waiting {
            self.keeper.tally.up("joined");
            let _ = waker.send(Turn::Look);
        }
    }

    /// The answer is for nobody else.
    pub(super) fn part(&mut self) {
        self.at_gate(|gate, slot| gate.part(slot, clock::mono()));
        self.pass_on();
    }

    /// This call brings no copy, another may.
    pub(super) fn let_others_try(&mut self) {
        self.at_gate(Gate::let_others_try);
        self.pass_on();
    }

    /// Only for a call that others may wait for.
    fn at_gate<T>(&mut self, change: impl FnOnce(&mut Waiters, &mut Slot) -> T) -> Option<T> {
        let gate = self.keeper.gate.as_ref()?;
        let slot = self.slot.as_mut().filter(|slot| slot.is_awaited())?;
        Some(change(&mut gate.lock(), slot))
    }

    fn pass_on(&self) {
        if let Some(gate) = &self.keeper.gate {
            self.keeper.pass_on(gate, clock::mono());
        }
    }

    fn leave_unused(mut self, gate: &Guarded, now: Instant) {
        if let Some(slot) = self.slot.take() {
            gate.lock().leave(slot, self.told(now), now);
        }
    }

    fn told(&self, now: Instant) -> Ended {
        let latency = self.latency.unwrap_or(now.saturating_duration_since(self.began));
        Ended { path: self.path, latency, good: self.good }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.leave();
    }
}
