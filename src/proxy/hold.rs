//! What goes to the visitor together with the head: how long a head waits for its body.
//!
//! While a copy exists a short body is held back until it is whole, because a copy can take its
//! place only as long as nothing has been sent. A probe's body is held back so that its good end
//! is known, and said, when the head leaves.

use super::errand::Errand;
use super::gathered::{Gathered, HELD_BYTES};
use super::judge::Ticket;
use super::keep::Keep;
use super::variants;
use crate::headers;
use crate::policy::Framing;
use crate::upstream::{Failure, Reply, ReplyBody};
use http::response;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer's head waits for its body.
#[derive(Clone, Copy)]
enum Hold {
    /// Only for what is here already.
    No,
    /// A copy could still be given instead: until the body is whole or has broken off.
    ToTheEnd,
    /// A probe's body of unknown length: for a moment.
    Briefly,
}

impl Errand {
    /// Frames that go with the head: those that are here already, and those to be held back.
    pub(super) async fn gather(
        &mut self,
        reply: &mut Reply,
        keep: &mut Keep,
        gathered: &mut Gathered,
    ) -> Result<(), Failure> {
        while !gathered.is_done() {
            match poll_fn(|cx| Poll::Ready(reply.body.poll_frame(cx))).await {
                Poll::Ready(next) => gathered.take(next.transpose()?, keep),
                Poll::Pending => return Box::pin(self.hold_back(reply, keep, gathered)).await,
            }
        }
        Ok(())
    }

    async fn hold_back(
        &mut self,
        reply: &mut Reply,
        keep: &mut Keep,
        gathered: &mut Gathered,
    ) -> Result<(), Failure> {
        let held = match self.hold(&reply.head, reply.framing).await {
            Hold::No => return Ok(()),
            Hold::ToTheEnd => return self.collect(&mut reply.body, keep, gathered).await,
            Hold::Briefly => timeout(HELD_TIME, self.collect(&mut reply.body, keep, gathered)),
        };
        // After the moment the rest is streamed.
        held.await.unwrap_or(Ok(()))
    }

    /// How long the head waits for the rest of its body.
    async fn hold(&self, head: &response::Parts, framing: Framing) -> Hold {
        if headers::is_event_stream(&head.headers) || self.proxy.is_failure(head.status) {
            return Hold::No;
        }
        let probe = self.ticket.as_ref().is_some_and(Ticket::is_probe);
        match framing {
            Framing::Length(length) if length > HELD_BYTES => Hold::No,
            Framing::Length(_) if probe || self.has_copy().await => Hold::ToTheEnd,
            Framing::Chunked | Framing::Close if probe => Hold::Briefly,
            _ => Hold::No,
        }
    }

    async fn has_copy(&self) -> bool {
        let Ok(key) = &self.asked.key else { return false };
        for lookup in self.proxy.lookups(key) {
            if variants::any(&self.proxy.store, &lookup.key).await {
                return true;
            }
        }
        false
    }

    async fn collect(
        &mut self,
        body: &mut ReplyBody,
        keep: &mut Keep,
        gathered: &mut Gathered,
    ) -> Result<(), Failure> {
        while !gathered.is_done() {
            let next = self.watch(pin!(body.frame())).await;
            gathered.take(next.transpose()?, keep);
        }
        Ok(())
    }
}

/// How long a probe's body of unknown length is held back.
const HELD_TIME: Duration = Duration::from_secs(1);
