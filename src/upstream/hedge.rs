//! A second request beside a slow one, and whoever has a good answer first.
//!
//! One slow worker, one lost packet: a second request is often through before the first. It is a
//! second load on the application as well, so it is off unless the operator wants it, made once a
//! request, for a GET without a body, and paid for like a retry. With `p95` about one request in
//! twenty is late enough for it.

use super::call::{Call, Tries};
use super::connection::after;
use super::retry::Lost;
use super::{Leave, Reply, RequestBody, Step, Winner, count};
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep_until;

/// `hedge.delay`: when the second request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hedge {
    Off,
    After(Duration),
    /// When 95 of a hundred good answers would have come; not before that is known.
    P95,
}

impl<T: Tries, L: Leave> Call<'_, T, L> {
    /// The first try, with another beside it if it is slow.
    pub(super) async fn hedged(&self) -> Result<Reply, Lost> {
        let delay = match self.hedge {
            Hedge::Off => None,
            Hedge::After(delay) => Some(delay),
            Hedge::P95 => self.again.lately.p95(),
        };
        let tried = match delay {
            None => self.send_empty().await,
            Some(delay) => self.raced(delay).await,
        };
        // A hedge's answer counts from the first request on: its own time alone would say that
        // answers have become fast, and there would be more and more hedges.
        if self.hedge == Hedge::P95 && self.is_good(&tried) {
            self.again.lately.add(self.began.elapsed());
        }
        tried
    }

    async fn raced(&self, delay: Duration) -> Result<Reply, Lost> {
        let mut first = pin!(self.send_empty());
        tokio::select! {
            biased;
            done = first.as_mut() => return done,
            () = sleep_until(after(self.began, delay)) => {}
        }
        // Until one of the two has ended: then one slot is enough again.
        let slot = self.leave.may_hedge().filter(|_| self.again.pay());
        let Some(_slot) = slot else { return first.await };
        count(&self.again.hedges);
        self.leave.note(Step::Hedge { delay });
        let mut second = pin!(self.send_empty());
        let (done, winner) = tokio::select! {
            biased;
            done = first.as_mut() => (done, Winner::First),
            done = second.as_mut() => (done, Winner::Hedge),
        };
        let (done, winner) = match winner {
            _ if self.is_good(&done) => (done, winner),
            Winner::First => self.better(done, winner, second.await, Winner::Hedge),
            _ => self.better(done, winner, first.await, Winner::First),
        };
        self.note_winner(&done, winner);
        done
    }

    async fn send_empty(&self) -> Result<Reply, Lost> {
        self.tries.send(self.head, RequestBody::Empty, self.deadline).await
    }

    /// `bad` came first. An answer says more than none, and the later one is the newer.
    fn better(
        &self,
        bad: Result<Reply, Lost>,
        loser: Winner,
        other: Result<Reply, Lost>,
        winner: Winner,
    ) -> (Result<Reply, Lost>, Winner) {
        if other.is_err() && bad.is_ok() { (bad, loser) } else { (other, winner) }
    }

    fn note_winner(&self, done: &Result<Reply, Lost>, winner: Winner) {
        if !self.is_good(done) {
            return;
        }
        if winner == Winner::Hedge {
            count(&self.again.hedge_wins);
        }
        self.leave.note(Step::Won(winner));
    }
}
