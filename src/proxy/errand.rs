//! The application's side of a request.
//!
//! It asks, watches the time, tells the breaker how it ended, keeps a copy if it may, and hands
//! the answer over. A visitor who leaves takes none of that with him: the copy is still
//! refreshed and the outcome still counts. So it is a task of its own from the moment it has to
//! be: when the visitor leaves before the head, and for a body that is still coming. Until then
//! it runs in the task of the visitor who waits for it, which spares every request the making of
//! a task and the wake-ups between two.

use super::Proxy;
use super::accompanied::Accompanied;
use super::asked::{Asked, Kind};
use super::body::Body;
use super::gatekeeper::Held;
use super::gathered::Gathered;
use super::judge::Ticket;
use super::keep::Keep;
use super::leave::Leave;
use crate::breaker::{Fault, Outcome};
use crate::capture::Full;
use crate::clock::{self, Now};
use crate::upstream::{Failure, Outgoing, Reply, RequestBody};
use crate::{headers, key};
use http::{HeaderMap, response};
use std::borrow::Cow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Instant;

/// What came of asking.
pub(super) enum Brought {
    Answer(Answer),
    /// Its body broke off before the head had left: what there is of it.
    Broken(Answer, Failure),
    Nothing(Failure),
}

/// What the application said, on its way to the visitor.
pub(super) struct Answer {
    /// Boxed, for it passes through many hands.
    pub(super) head: Box<response::Parts>,
    pub(super) body: Body,
}

pub(super) struct Errand {
    pub(super) proxy: Arc<Proxy>,
    pub(super) asked: Arc<Asked>,
    /// When it was let in.
    pub(super) began: Instant,
    /// None for methods that are never judged.
    pub(super) ticket: Option<Ticket>,
    /// None for what needs no slot, or not any more.
    pub(super) slot: Option<Held>,
}

impl Errand {
    /// Sends the request off and waits until there is something to say to the visitor.
    pub(super) fn run_for_visitor(
        self,
        body: RequestBody,
    ) -> Accompanied<impl Future<Output = Brought> + Send + 'static> {
        Accompanied::new(self.run(body))
    }

    /// Nobody waits for it: for its copy alone.
    pub(super) async fn run_alone(self) {
        drop(self.run(RequestBody::Empty).await);
    }

    // No `async fn`, whose future would have room for the errand twice.
    fn run(self, body: RequestBody) -> impl Future<Output = Brought> + Send + 'static {
        let mut errand = self;
        async move {
            if errand.asked.kind == Kind::Upgrade {
                // Boxed, for every request makes room for this future.
                return Box::pin(errand.switch()).await;
            }
            let replied = match body.is_empty() {
                true => errand.ask(body).await,
                false => Box::pin(errand.ask_while_uploading(body)).await,
            };
            match replied {
                Ok(reply) => errand.bring(reply).await,
                Err(failure) => {
                    errand.failed(failure);
                    Brought::Nothing(failure)
                }
            }
        }
    }

    pub(super) async fn ask(&mut self, body: RequestBody) -> Result<Reply, Failure> {
        let Self { proxy, asked, began, ticket, .. } = self;
        let fields = || asked.sent();
        let outgoing = Self::outgoing(asked, &fields, &proxy.settings.key);
        let leave = Leave { proxy, asked };
        watch(proxy, ticket, *began, pin!(proxy.upstream.call(outgoing, body, &leave, *began)))
            .await
    }

    pub(super) fn outgoing<'a>(
        asked: &'a Asked,
        headers: &'a (dyn Fn() -> HeaderMap + Sync),
        settings: &key::Settings,
    ) -> Outgoing<'a> {
        let head = &asked.head;
        let target = match key::forwarded(&head.uri, settings) {
            Cow::Borrowed(_) => head.uri.clone(),
            // A part of a valid target, cut at parameter borders, is valid.
            Cow::Owned(target) => target.parse().unwrap_or_else(|_| head.uri.clone()),
        };
        Outgoing { method: &head.method, target, headers }
    }

    /// The head is here: what is known by now is recorded before it goes to the visitor.
    pub(super) async fn bring(&mut self, mut reply: Reply) -> Brought {
        self.judge_head(&reply.head);
        self.proxy.invalidate(&self.asked, &reply.head);
        let mut keep = Keep::of(&self.proxy, &self.asked, &reply.head, reply.framing);
        self.part_if_his_alone(&keep, &reply.head);
        let mut gathered = Gathered::default();
        let brought = self.gather(&mut reply, &mut keep, &mut gathered).await;
        if self.asked.tries.attempts().is_some() {
            // Its time was not the application's alone.
            self.slot.iter_mut().for_each(Held::says_nothing);
        }
        let now = Now::read();
        self.slot.iter_mut().for_each(|slot| slot.answered(now.mono));
        match brought {
            Err(failure) => {
                self.failed(failure);
                let body = gathered.broken(reply.framing);
                Brought::Broken(Answer { head: reply.head, body }, failure)
            }
            Ok(()) if gathered.ended => {
                self.ended(keep, &reply.head.headers, now).await;
                let body = gathered.whole(reply.framing);
                Brought::Answer(Answer { head: reply.head, body })
            }
            Ok(()) => Brought::Answer(self.take().stream(reply, gathered, keep)),
        }
    }

    /// What is left of it goes on elsewhere.
    fn take(&mut self) -> Self {
        Self {
            proxy: Arc::clone(&self.proxy),
            asked: Arc::clone(&self.asked),
            began: self.began,
            ticket: self.ticket.take(),
            slot: self.slot.take(),
        }
    }

    /// A failure status is a failure now; an event stream is a success now and may last for days.
    fn judge_head(&mut self, head: &response::Parts) {
        if self.proxy.is_failure(head.status) {
            let retry_after = headers::retry_after(&head.headers);
            let fault = Fault::Status { code: head.status.as_u16(), retry_after };
            self.record(Outcome::Failed(fault), clock::mono());
        } else if headers::is_event_stream(&head.headers) {
            self.over_with_its_head();
        }
    }

    /// It may last for days, and how it ends will say nothing.
    pub(super) fn over_with_its_head(&mut self) {
        self.record(Outcome::Good, clock::mono());
        self.slot.iter_mut().for_each(Held::part);
        self.slot = None;
    }

    /// Waits for the application, and tells the breaker when that takes too long.
    pub(super) async fn watch<T>(&mut self, wait: Pin<&mut impl Future<Output = T>>) -> T {
        watch(&self.proxy, &mut self.ticket, clock::mono(), wait).await
    }

    pub(super) async fn ended(&mut self, keep: Keep, fields: &HeaderMap, now: Now) {
        self.record(Outcome::Good, now.mono);
        keep.store(&self.proxy, &self.asked, fields, now).await;
        // Whether it was stored they will see.
        self.slot.iter_mut().for_each(Held::share);
    }

    /// Those who wait for the same page must go on their own, if this answer is for nobody else. A
    /// failure is nobody's answer: another one of them is to try.
    fn part_if_his_alone(&mut self, keep: &Keep, head: &response::Parts) {
        let Some(slot) = self.slot.as_mut().filter(|slot| slot.is_awaited()) else { return };
        if !self.proxy.is_failure(head.status) && !keep.is_shareable(&self.proxy, &self.asked) {
            slot.part();
        }
    }

    /// If the copy in the making was given up, they are not to wait for the end of this answer.
    pub(super) fn let_others_try(&mut self, keep: &Keep) {
        match keep.given_up() {
            None => {}
            Some(reason) if reason == Full::Body.as_str() => {
                self.slot.iter_mut().for_each(Held::part);
            }
            // Not for what the page is, but for how it was read.
            Some(_) => self.slot.iter_mut().for_each(Held::let_others_try),
        }
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        let fault = match failure {
            // Nobody's failure, or ours.
            Failure::ClientGone | Failure::TargetTooLong | Failure::NoSocket => return,
            Failure::Timeout | Failure::Silent => Fault::Timeout,
            failure if failure.is_transport() => Fault::Transport,
            _ => Fault::Broken,
        };
        self.record(Outcome::Failed(fault), clock::mono());
    }

    fn record(&mut self, outcome: Outcome, now: Instant) {
        self.slot.iter_mut().for_each(|slot| slot.ended(outcome == Outcome::Good));
        if let Some(mut ticket) = self.ticket.take() {
            ticket.record(outcome, now);
        }
    }
}

async fn watch<T>(
    proxy: &Proxy,
    ticket: &mut Option<Ticket>,
    since: Instant,
    mut wait: Pin<&mut impl Future<Output = T>>,
) -> T {
    let Some(ticket) = ticket else { return wait.await };
    tokio::select! {
        biased;
        done = wait.as_mut() => return done,
        () = proxy.slowness.at(since + proxy.judge.slow_time()) => ticket.overdue(),
    }
    wait.await
}
