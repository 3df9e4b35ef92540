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
//! requests. In a full queue whoever has most in it gives up a place to whoever has less, and any
//! request that may have a copy one day to what only the application can do.

use super::{Class, Client, Key};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

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
    /// The number of who began it.
    number: u64,
    class: Class,
    key: Option<Key>,
    since: Instant,
    /// It is inside since then, and those here wait for its answer.
    begun: Option<Instant>,
    waiting: VecDeque<Waiter<W>>,
}

#[derive(Debug)]
struct Waiter<W> {
    number: u64,
    client: Client,
    waker: W,
}

/// The first of those who waited for a call.
pub(super) struct Leader<W> {
    pub(super) joint: Option<Joint>,
    pub(super) client: Client,
    pub(super) waker: W,
}

/// A call that others may join.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joint {
    number: u64,
    pub(super) key: Key,
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

    /// Waits from now on. Who had to make room for it, or, if nobody had, itself. A call that has been
    /// inside for longer than `joinable` may hang: it is not joined any more.
    pub(super) fn wait(
        &mut self,
        number: u64,
        wish: Wish,
        waker: W,
        joinable: Duration,
        now: Instant,
    ) -> Result<Option<W>, W> {
        let Wish { class, key, client } = wish;
        let waiter = Waiter { number, client, waker };
        let is_old = |begun: Instant| now.saturating_duration_since(begun) > joinable;
        let may_join = |call: &Call<W>| call.key == key && !call.begun.is_some_and(is_old);
        let same = self.calls.iter_mut().find(|call| key.is_some() && may_join(call));
        let requests = self.most.saturating_mul(REQUESTS_A_CALL);
        let mut out = None;
        if let Some(call) = same {
            if self.requests >= requests {
                return Err(waiter.waker);
            }
            call.waiting.push_back(waiter);
        } else {
            if self.waiting().count() >= self.most || self.requests >= requests {
                match self.make_room_for(class, client) {
                    Some(waker) => out = Some(waker),
                    None => return Err(waiter.waker),
                }
            }
            let waiting = VecDeque::from([waiter]);
            self.calls.push(Call { number, class, key, since: now, begun: None, waiting });
        }
        self.requests += 1;
        Ok(out)
    }

    /// It does not wait any more.
    pub(super) fn give_up(&mut self, number: u64) {
        for at in 0..self.calls.len() {
            let call = &mut self.calls[at];
            if let Some(place) = call.waiting.iter().position(|waiter| waiter.number == number) {
                call.waiting.remove(place);
                self.requests -= 1;
                if call.waiting.is_empty() && call.begun.is_none() {
                    self.calls.swap_remove(at);
                }
                return;
            }
        }
    }

    /// Whose call is next, and the slots he has.
    pub(super) fn next_client(&self) -> Option<(Class, Client, u32)> {
        let (at, place, slots) = self.next()?;
        let call = &self.calls[at];
        Some((call.class, call.waiting[place].client, slots))
    }

    /// Lets the next call begin; its other requests wait for its answer.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Leader<W>> {
        let (at, place, _) = self.next()?;
        let call = &mut self.calls[at];
        let Waiter { number, client, waker } = call.waiting.remove(place)?;
        self.requests -= 1;
        (call.number, call.begun) = (number, Some(now));
        let joint = call.key.map(|key| Joint { number, key });
        if joint.is_none() {
            self.calls.swap_remove(at);
        }
        *self.inside.entry(client).or_default() += 1;
        Some(Leader { joint, client, waker })
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

    /// The call has an answer for all: those who waited for it.
    pub(super) fn share(&mut self, call: Joint) -> Vec<W> {
        let Some(at) = self.begun(call) else { return Vec::new() };
        let call = self.calls.swap_remove(at);
        self.requests -= call.waiting.len();
        call.waiting.into_iter().map(|waiter| waiter.waker).collect()
    }

    /// Its answer is for nobody else: each of the others waits for himself.
    pub(super) fn part(&mut self, call: Joint) {
        let Some(at) = self.begun(call) else { return };
        let Call { class, since, waiting, .. } = self.calls.swap_remove(at);
        let alone = waiting.into_iter().map(|waiter| {
            let number = waiter.number;
            let waiting = VecDeque::from([waiter]);
            Call { number, class, key: None, since, begun: None, waiting }
        });
        self.calls.extend(alone);
    }

    /// It has ended without an answer that counts: one of the others is to try.
    pub(super) fn try_again(&mut self, call: Joint) {
        let Some(at) = self.begun(call) else { return };
        if self.calls[at].waiting.is_empty() {
            self.calls.swap_remove(at);
        } else {
            self.calls[at].begun = None;
        }
    }

    fn begun(&self, joint: Joint) -> Option<usize> {
        let is_it = |call: &Call<W>| call.begun.is_some() && call.number == joint.number;
        self.calls.iter().position(is_it)
    }

    fn waiting(&self) -> impl Iterator<Item = &Call<W>> {
        self.calls.iter().filter(|call| call.begun.is_none())
    }

    fn slots_of(&self, client: Client) -> u32 {
        self.inside.get(&client).copied().unwrap_or(0)
    }

    /// The call, who of those that wait for it is to lead, and the slots he has.
    fn next(&self) -> Option<(usize, usize, u32)> {
        let waiting = self.calls.iter().enumerate().filter(|(_, call)| call.begun.is_none());
        let ranked = waiting.filter_map(|(at, call)| {
            let (place, slots) = self.leader(call)?;
            let rank = (call.class, slots, usize::MAX - call.waiting.len(), call.since);
            Some((rank, (at, place, slots)))
        });
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, next)| next)
    }

    /// The first of those with the fewest slots.
    fn leader(&self, call: &Call<W>) -> Option<(usize, u32)> {
        let mut best = None;
        for (place, waiter) in call.waiting.iter().enumerate() {
            let slots = self.slots_of(waiter.client);
            if best.is_none_or(|(_, fewest)| slots < fewest) {
                best = Some((place, slots));
            }
            if slots == 0 {
                break;
            }
        }
        best
    }

    /// The newest request that waits alone: any that may have a copy one day for what only the
    /// application can do, otherwise one of the client who waits for most, if that is more than this
    /// one would.
    fn make_room_for(&mut self, class: Class, client: Client) -> Option<W> {
        if class == Class::Other
            && let Some(waker) = self.push_out(|call| call.class == Class::NoCopy)
        {
            return Some(waker);
        }
        let mut calls: HashMap<Client, usize> = HashMap::new();
        for first in self.waiting().filter_map(|call| call.waiting.front()) {
            *calls.entry(first.client).or_default() += 1;
        }
        let own = calls.get(&client).copied().unwrap_or(0);
        let mut greedy: Vec<_> = calls.into_iter().filter(|(_, count)| *count > own + 1).collect();
        greedy.sort_unstable_by_key(|(_, count)| usize::MAX - count);
        greedy.into_iter().find_map(|(greedy, _)| {
            self.push_out(|call| call.waiting.front().is_some_and(|first| first.client == greedy))
        })
    }

    fn push_out(&mut self, may_go: impl Fn(&Call<W>) -> bool) -> Option<W> {
        let alone = |call: &Call<W>| call.begun.is_none() && call.waiting.len() == 1;
        let lone = self.calls.iter().enumerate().filter(|(_, call)| alone(call) && may_go(call));
        let (at, _) = lone.max_by_key(|(_, call)| call.since)?;
        self.requests -= 1;
        self.calls.swap_remove(at).waiting.pop_front().map(|waiter| waiter.waker)
    }
}

/// Requests that may wait, for each call that may.
const REQUESTS_A_CALL: usize = 16;
