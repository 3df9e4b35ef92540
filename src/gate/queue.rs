//! Who waits for a slot, and who is next.
//!
//! Calls wait, not requests: all that ask for one page under one identity wait for one call. Next is
//!
//! 1. what is no GET or HEAD: nobody else can answer it;
//! 2. the client with the fewest calls inside: one that asks for a thousand pages at once does not
//!    keep the others out;
//! 3. the page that most wait for: in a storm that lost nobody where oldest first lost some, and
//!    newest first half a percent;
//! 4. the one that waits longest.
//!
//! Bounded: so many calls may wait ([`Settings::queue`](super::Settings)), and sixteen times as many
//! requests. In a full queue whoever has most in it gives up a place to whoever has less.

use super::{Class, Client, Key};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// What a request says of itself when it begins to wait.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub class: Class,
    /// Page and identity. `None`: its answer cannot be anybody else's.
    pub key: Option<Key>,
    pub client: Client,
}

/// Calls that wait, and those inside that more may join.
#[derive(Debug)]
pub(super) struct Queue<W> {
    calls: Vec<Call<W>>,
    most: usize,
    /// Requests in all calls.
    requests: usize,
    /// Slots by whoever waited for them first.
    inside: HashMap<Client, u32>,
}

#[derive(Debug)]
struct Call<W> {
    class: Class,
    key: Option<Key>,
    since: Instant,
    /// It is inside, and those here wait for its answer.
    begun: bool,
    waiting: VecDeque<Waiter<W>>,
}

#[derive(Debug)]
struct Waiter<W> {
    id: u64,
    client: Client,
    waker: W,
}

/// The first of those who waited for a call.
pub(super) struct Leader<W> {
    pub(super) key: Option<Key>,
    pub(super) client: Client,
    pub(super) waker: W,
}

impl<W> Queue<W> {
    pub(super) fn new(most: usize) -> Self {
        Self { calls: Vec::new(), most, requests: 0, inside: HashMap::new() }
    }

    /// Somebody waits for a slot.
    pub(super) fn wants_slot(&self) -> bool {
        self.requests > 0 && self.waiting().next().is_some()
    }

    /// Requests that wait.
    pub(super) fn len(&self) -> usize {
        self.requests
    }

    /// Waits from now on. Who had to make room for it, or, if nobody had, itself.
    pub(super) fn wait(
        &mut self,
        id: u64,
        wish: Wish,
        waker: W,
        now: Instant,
    ) -> Result<Option<W>, W> {
        if self.requests >= self.most.saturating_mul(REQUESTS_A_CALL) {
            return Err(waker);
        }
        let Wish { class, key, client } = wish;
        let waiter = Waiter { id, client, waker };
        if let Some(call) = self.calls.iter_mut().find(|call| key.is_some() && call.key == key) {
            self.requests += 1;
            call.waiting.push_back(waiter);
            return Ok(None);
        }
        let mut out = None;
        if self.waiting().count() >= self.most {
            match self.make_room_for(client) {
                Some(waker) => out = Some(waker),
                None => return Err(waiter.waker),
            }
        }
        self.requests += 1;
        let waiting = VecDeque::from([waiter]);
        self.calls.push(Call { class, key, since: now, begun: false, waiting });
        Ok(out)
    }

    /// It does not wait any more.
    pub(super) fn give_up(&mut self, id: u64) {
        for at in 0..self.calls.len() {
            let call = &mut self.calls[at];
            if let Some(place) = call.waiting.iter().position(|waiter| waiter.id == id) {
                call.waiting.remove(place);
                self.requests -= 1;
                if call.waiting.is_empty() && !call.begun {
                    self.calls.swap_remove(at);
                }
                return;
            }
        }
    }

    /// The client of the call that is next, and the slots he has.
    pub(super) fn next_client(&self) -> Option<(Class, Client, u32)> {
        let call = &self.calls[self.next()?];
        let client = call.waiting.front()?.client;
        Some((call.class, client, self.slots_of(client)))
    }

    /// Lets the next call begin; its other requests wait for its answer.
    pub(super) fn begin(&mut self) -> Option<Leader<W>> {
        let at = self.next()?;
        let call = &mut self.calls[at];
        let Waiter { client, waker, .. } = call.waiting.pop_front()?;
        self.requests -= 1;
        call.begun = true;
        let key = call.key;
        if key.is_none() {
            self.calls.swap_remove(at);
        }
        *self.inside.entry(client).or_default() += 1;
        Some(Leader { key, client, waker })
    }

    /// A call of this client that had waited has ended.
    pub(super) fn ended(&mut self, client: Client) {
        if let Some(slots) = self.inside.get_mut(&client) {
            *slots -= 1;
            if *slots == 0 {
                self.inside.remove(&client);
            }
        }
    }

    /// The call with this key has an answer for all: those who waited for it.
    pub(super) fn share(&mut self, key: Key) -> Vec<W> {
        let Some(at) = self.begun(key) else { return Vec::new() };
        let call = self.calls.swap_remove(at);
        self.requests -= call.waiting.len();
        call.waiting.into_iter().map(|waiter| waiter.waker).collect()
    }

    /// Its answer is for nobody else: each of the others waits for himself.
    pub(super) fn part(&mut self, key: Key) {
        let Some(at) = self.begun(key) else { return };
        let Call { class, since, waiting, .. } = self.calls.swap_remove(at);
        let alone = waiting.into_iter().map(|waiter| {
            let waiting = VecDeque::from([waiter]);
            Call { class, key: None, since, begun: false, waiting }
        });
        self.calls.extend(alone);
    }

    /// It has ended without an answer that counts: one of the others is to try.
    pub(super) fn try_again(&mut self, key: Key) {
        let Some(at) = self.begun(key) else { return };
        if self.calls[at].waiting.is_empty() {
            self.calls.swap_remove(at);
        } else {
            self.calls[at].begun = false;
        }
    }

    fn begun(&self, key: Key) -> Option<usize> {
        self.calls.iter().position(|call| call.begun && call.key == Some(key))
    }

    fn waiting(&self) -> impl Iterator<Item = &Call<W>> {
        self.calls.iter().filter(|call| !call.begun)
    }

    fn slots_of(&self, client: Client) -> u32 {
        self.inside.get(&client).copied().unwrap_or(0)
    }

    fn next(&self) -> Option<usize> {
        let waiting = self.calls.iter().enumerate().filter(|(_, call)| !call.begun);
        let rank = |call: &Call<W>| {
            let slots = call.waiting.front().map_or(0, |first| self.slots_of(first.client));
            (call.class, slots, usize::MAX - call.waiting.len(), call.since)
        };
        waiting.min_by_key(|(_, call)| rank(call)).map(|(at, _)| at)
    }

    /// The newest request of the client who waits for most calls, if that is more than this one
    /// would.
    fn make_room_for(&mut self, client: Client) -> Option<W> {
        let mut calls: HashMap<Client, usize> = HashMap::new();
        for call in self.waiting().filter(|call| call.class == Class::NoCopy) {
            let first = call.waiting.front()?;
            *calls.entry(first.client).or_default() += 1;
        }
        let own = calls.get(&client).copied().unwrap_or(0);
        let (greedy, count) = calls.into_iter().max_by_key(|(_, count)| *count)?;
        if count <= own + 1 {
            return None;
        }
        let is_his = |call: &Call<W>| {
            let alone = call.waiting.len() == 1 && call.class == Class::NoCopy && !call.begun;
            alone && call.waiting.front().is_some_and(|first| first.client == greedy)
        };
        let newest = self.calls.iter().enumerate().filter(|(_, call)| is_his(call));
        let (at, _) = newest.max_by_key(|(_, call)| call.since)?;
        self.requests -= 1;
        self.calls.swap_remove(at).waiting.pop_front().map(|waiter| waiter.waker)
    }
}

/// Requests that may wait, for each call that may.
const REQUESTS_A_CALL: usize = 16;
