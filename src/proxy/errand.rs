//! The application's side of a request: a task of its own.
//!
//! It asks, watches the time, tells the breaker how it ended, keeps a copy if it may, and hands
//! the answer over. A visitor who leaves takes none of that with him: the copy is still
//! refreshed and the outcome still counts.

use super::Proxy;
use super::asked::Asked;
use super::body::{Body, Piece};
use super::gathered::{Gathered, HELD_BYTES, Hold};
use super::judge::Ticket;
use super::keep::Keep;
use crate::breaker::{Fault, Outcome};
use crate::policy::Framing;
use crate::upstream::{Failure, Reply, ReplyBody, RequestBody};
use crate::{encoding, headers, key};
use bytes::Bytes;
use http::{HeaderMap, Request, Uri, header, response};
use http_body::Frame;
use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// What came of asking.
pub(super) enum Brought {
    Answer(Answer),
    /// Its body broke off before the head had left: what there is of it.
    Broken(Answer, Failure),
    Nothing(Failure),
}

/// What the application said, on its way to the visitor.
pub(super) struct Answer {
    pub(super) head: response::Parts,
    pub(super) body: Body,
}

pub(super) struct Errand {
    proxy: Arc<Proxy>,
    asked: Arc<Asked>,
    /// None for methods that are never judged.
    ticket: Option<Ticket>,
}

impl Errand {
    /// Sends the request off and waits until there is something to say to the visitor.
    pub(super) async fn start(
        proxy: &Arc<Proxy>,
        asked: &Arc<Asked>,
        body: RequestBody,
        ticket: Option<Ticket>,
    ) -> Brought {
        let errand = Self { proxy: Arc::clone(proxy), asked: Arc::clone(asked), ticket };
        let (deliver, delivered) = oneshot::channel();
        tokio::spawn(errand.run(body, deliver));
        // A task that ends without a word has panicked; for the visitor the answer is lost.
        delivered.await.unwrap_or(Brought::Nothing(Failure::Reset))
    }

    async fn run(mut self, body: RequestBody, deliver: oneshot::Sender<Brought>) {
        let request = self.request(body);
        let upstream = self.proxy.upstream.clone();
        let replied = {
            let sent = pin!(upstream.send(request));
            self.watch(sent).await
        };
        match replied {
            Ok(reply) => self.bring(reply, deliver).await,
            Err(failure) => {
                self.failed(failure);
                let _ = deliver.send(Brought::Nothing(failure));
            }
        }
    }

    fn request(&self, body: RequestBody) -> Request<RequestBody> {
        let asked = &self.asked.head;
        let mut request = Request::new(body);
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = self.target();
        *request.headers_mut() =
            headers::forwarded(&asked.headers, self.asked.client.address, &self.proxy.via);
        if self.asked.key.is_ok() {
            narrow_codings(request.headers_mut());
        }
        request
    }

    fn target(&self) -> Uri {
        let uri = &self.asked.head.uri;
        match key::forwarded(uri, &self.proxy.settings.key) {
            Cow::Borrowed(_) => uri.clone(),
            // A part of a valid target, cut at parameter borders, is valid.
            Cow::Owned(target) => target.parse().unwrap_or_else(|_| uri.clone()),
        }
    }

    /// The head is here: what is known by now is recorded before it goes to the visitor.
    async fn bring(mut self, mut reply: Reply, deliver: oneshot::Sender<Brought>) {
        self.judge_head(&reply.head);
        let mut keep = Keep::of(&self.proxy, &self.asked, &reply.head, reply.framing);
        let mut gathered = Gathered::default();
        let brought = match self.gather(&mut reply, &mut keep, &mut gathered).await {
            Err(failure) => {
                self.failed(failure);
                let body = gathered.broken(reply.framing);
                Brought::Broken(Answer { head: reply.head, body }, failure)
            }
            Ok(()) if gathered.ended => {
                self.ended(keep).await;
                let body = gathered.whole(reply.framing);
                Brought::Answer(Answer { head: reply.head, body })
            }
            Ok(()) => return Box::pin(self.stream(reply, gathered, keep, deliver)).await,
        };
        let _ = deliver.send(brought);
    }

    /// A failure status is a failure now; an event stream is a success now and may last for days.
    fn judge_head(&mut self, head: &response::Parts) {
        if self.proxy.is_failure(head.status) {
            let retry_after = headers::retry_after(&head.headers);
            self.record(Outcome::Failed(Fault::Status { code: head.status.as_u16(), retry_after }));
        } else if headers::is_event_stream(&head.headers) {
            self.record(Outcome::Good);
        }
    }

    /// Frames that go with the head: those that are here already, and those to be held back.
    async fn gather(
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
        let Proxy { store, settings, .. } = &*self.proxy;
        for lookup in key.lookups(store.secret(), &settings.key) {
            if store.has(lookup.key.id()).await {
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

    /// The head goes now, and the body as it comes.
    async fn stream(
        self,
        reply: Reply,
        gathered: Gathered,
        keep: Keep,
        deliver: oneshot::Sender<Brought>,
    ) {
        let (pieces, rest) = mpsc::channel(PIECES_UNDER_WAY);
        let body = Body::streamed(gathered.frames, Some(rest), reply.framing.length());
        let _ = deliver.send(Brought::Answer(Answer { head: reply.head, body }));
        self.pump(reply.body, pieces, keep).await;
    }

    /// Streams the rest. The clock runs only while the application is awaited, never while the
    /// client is.
    async fn pump(mut self, mut body: ReplyBody, pieces: mpsc::Sender<Piece>, mut keep: Keep) {
        loop {
            let next = tokio::select! {
                biased;
                next = async { self.watch(pin!(body.frame())).await } => next,
                () = pieces.closed() => return self.finish_alone(body, keep).await,
            };
            match next {
                Some(Ok(frame)) => {
                    keep.push(&frame);
                    hand_over(frame, &pieces, &mut keep).await;
                }
                Some(Err(failure)) => return self.failed(failure),
                None => {
                    self.ended(keep).await;
                    let _ = pieces.send(Piece::End).await;
                    return;
                }
            }
        }
    }

    /// The client has left. The copy is still worth having if it comes soon; an answer without
    /// end must not hold a place in the application for nobody.
    async fn finish_alone(mut self, mut body: ReplyBody, mut keep: Keep) {
        let deadline = Instant::now() + ALONE_TIME;
        while keep.is_copying() {
            let watched = async { self.watch(pin!(body.frame())).await };
            match timeout_at(deadline, watched).await {
                Ok(Some(Ok(frame))) => keep.push(&frame),
                Ok(Some(Err(failure))) => return self.failed(failure),
                Ok(None) => return self.ended(keep).await,
                Err(_) => return,
            }
        }
    }

    /// Waits for the application, and tells the breaker when that takes too long.
    async fn watch<T>(&mut self, mut wait: Pin<&mut impl Future<Output = T>>) -> T {
        let Some(ticket) = &mut self.ticket else { return wait.await };
        tokio::select! {
            biased;
            done = wait.as_mut() => return done,
            () = sleep(self.proxy.judge.slow_time()) => ticket.overdue(),
        }
        wait.await
    }

    async fn ended(&mut self, keep: Keep) {
        self.record(Outcome::Good);
        keep.store(&self.proxy, &self.asked).await;
    }

    fn failed(&mut self, failure: Failure) {
        let fault = match failure {
            Failure::ClientGone => return,
            Failure::Timeout | Failure::Silent => Fault::Timeout,
            failure if failure.is_transport() => Fault::Transport,
            _ => Fault::Broken,
        };
        self.record(Outcome::Failed(fault));
    }

    fn record(&mut self, outcome: Outcome) {
        if let Some(mut ticket) = self.ticket.take() {
            ticket.record(outcome);
        }
    }
}

/// One frame for the client. Who reads slowly is waited for, but not with a copy in hand: the
/// memory for copies in the making is everybody's.
async fn hand_over(frame: Frame<Bytes>, pieces: &mpsc::Sender<Piece>, keep: &mut Keep) {
    let frame = match pieces.try_send(Piece::Frame(frame)) {
        Err(TrySendError::Full(piece)) => piece,
        // A client that left does not end a copy.
        Ok(()) | Err(TrySendError::Closed(_)) => return,
    };
    let mut sent = pin!(pieces.send(frame));
    if keep.is_copying() && timeout(CLIENT_TIME, sent.as_mut()).await.is_ok() {
        return;
    }
    keep.give_up("slow-client");
    let _ = sent.await;
}

/// What could become a copy must come in a coding that we can take off for the next reader.
fn narrow_codings(fields: &mut HeaderMap) {
    let accepted = headers::text(fields, &header::ACCEPT_ENCODING);
    if let Some(narrowed) = encoding::narrowed(accepted) {
        fields.insert(header::ACCEPT_ENCODING, narrowed);
    }
}

/// How long a copy in the making waits for a client that does not read.
const CLIENT_TIME: Duration = Duration::from_secs(1);

/// How long an answer may go on for its copy alone.
const ALONE_TIME: Duration = Duration::from_secs(5);

/// How long a probe's body of unknown length is held back.
const HELD_TIME: Duration = Duration::from_secs(1);

/// Frames between the application and a client that reads more slowly.
const PIECES_UNDER_WAY: usize = 4;
