//! One connection to the application: hyper's sender and its driver, kept together.
//!
//! hyper splits a connection into a handle and a future that does the work, meant to be spawned.
//! Spawned, every request costs two wake-ups from task to task. Here nobody spawns it: whoever
//! waits for the answer drives the connection in the same poll, and an idle connection is just a
//! value in the pool. Two things follow. Whatever hyper delivers is delivered within
//! [`Connection::drive`], so nobody needs to be woken for its channels, on either end of them. And
//! what happens on an idle connection is seen by the next request only, as its first step.

use super::RequestBody;
use super::failure::Failure;
use super::stream::Stream;
use super::tunnel::Line;
use super::wire::{Traffic, Wire};
use crate::clock::LazyTimer;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::task::coop;
use tokio::time::Instant;

/// A connection, idle or with one request inside.
pub(super) struct Connection {
    sender: http1::SendRequest<RequestBody>,
    /// `None` once the connection is over.
    driver: Option<Driver>,
    traffic: Arc<Traffic>,
    /// hyper's waker: notes in `traffic` that hyper wants another turn, and nothing else.
    hypers: Waker,
    /// What was left when HTTP was over.
    rest: Option<Line>,
    /// The client's body broke off after the application had begun to answer.
    client_gone: bool,
    stall: Stall,
}

type Driver = http1::Connection<TokioIo<Wire>, RequestBody>;

/// How a try ended without a head.
pub(super) enum Miss {
    /// Nothing of the request was sent, any connection may carry it; the failure it would be if
    /// there is none.
    Unsent(Box<Request<RequestBody>>, Failure),
    /// It may have been sent, and the connection died without a byte of an answer; the failure
    /// it is if it was not a kept one.
    Unheard(Failure),
    /// The application's answer, or its silence, is the failure.
    Failed(Failure),
}

/// What the connection is worth after the end of an answer.
pub(super) enum End {
    /// Clean, and ready for the next request.
    Idle,
    /// Clean, and over.
    Closed,
    /// Bytes followed the answer: it cannot be believed (RFC 9112 section 6.3).
    Leftover,
}

impl Connection {
    /// Speaks HTTP/1.1 over `stream`; sends nothing yet.
    pub(super) async fn open(stream: Stream) -> Result<Self, Failure> {
        let traffic = Arc::new(Traffic::default());
        let wire = TokioIo::new(Wire::new(stream, traffic.clone()));
        let (sender, driver) = builder().handshake(wire).await.map_err(|_| Failure::Reset)?;
        Ok(Self {
            sender,
            driver: Some(driver),
            hypers: Waker::from(traffic.clone()),
            traffic,
            rest: None,
            client_gone: false,
            stall: Stall::default(),
        })
    }

    /// Sends the request and waits for the answer's head until `deadline`. While the client's
    /// body moves, the clock starts again with `limit` each time; while the client is awaited it
    /// stands still, for his silence is not the application's.
    // No `async fn`, whose future would have room for the request twice.
    pub(super) fn head(
        &mut self,
        mut request: Request<RequestBody>,
        deadline: Instant,
        limit: Duration,
    ) -> impl Future<Output = Result<Response<Incoming>, Miss>> {
        self.traffic.listen();
        request.body_mut().tell(&self.traffic);
        self.stall.begin(deadline, !request.body().is_empty());
        // What is here is seen even if the budget ended with it: nobody would be woken to look again.
        let mut answer = Box::pin(coop::unconstrained(self.sender.try_send_request(request)));
        poll_fn(move |cx| {
            self.drive(cx);
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut quiet()) {
                self.moved();
                return Poll::Ready(answer.map_err(|error| self.miss(error)));
            }
            ready!(self.poll_stalled(limit, cx));
            Poll::Ready(Err(Miss::Failed(Failure::Timeout)))
        })
    }

    /// Does what can be done on the socket now, and has `cx` woken when there is more to do.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        let Some(driver) = &mut self.driver else {
            return;
        };
        // Without the shutdown: dropping the socket closes it a system call cheaper.
        let driven = self.traffic.turn(&self.hypers, cx, |cx| driver.poll_without_shutdown(cx));
        if let Poll::Ready(result) = driven {
            self.client_gone = result.is_err_and(|error| error.is_user());
            self.close();
        }
    }

    /// Ready when nothing has moved for `limit`; counts from the first poll after
    /// [`Connection::moved`], so time in which nobody asks is not counted.
    pub(super) fn poll_stalled(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if self.traffic.is_client_awaited() {
            self.stall.until = None;
            return Poll::Pending;
        }
        self.stall.poll(self.traffic.writes(), limit, cx)
    }

    /// The application has sent something.
    pub(super) fn moved(&mut self) {
        self.stall.until = None;
    }

    pub(super) fn client_gone(&self) -> bool {
        self.client_gone
    }

    /// To be asked once the answer has ended. A request that is not wholly sent by then closes
    /// the connection: the application has said that it does not want the rest.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        // With its budget spent, tokio shows every socket as empty: what follows the answer would be
        // overlooked. So it is looked for in the next turn, and again if the last look was such a one.
        // The step is given back here and now: kept, it would give back what the look costs, too.
        drop(ready!(coop::poll_proceed(cx)));
        if !self.sender.is_ready() || self.traffic.is_blind() {
            self.drive(cx);
        }
        if self.driver.is_some() && self.sender.is_ready() {
            return Poll::Ready(End::Idle);
        }
        self.close();
        let has_more = self.rest.take().is_some_and(|mut rest| rest.has_more());
        Poll::Ready(if has_more { End::Leftover } else { End::Closed })
    }

    /// The socket, and what was read from it after a 101; `None` if HTTP goes on.
    pub(super) fn into_line(self) -> Option<Line> {
        self.rest
    }

    fn close(&mut self) {
        if let Some(driver) = self.driver.take() {
            let parts = driver.into_parts();
            self.rest = Some(Line::new(parts.io.into_inner().into_inner(), parts.read_buf));
        }
    }

    fn miss(&self, mut error: TrySendError<Request<RequestBody>>) -> Miss {
        let heard = self.traffic.heard();
        if let Some(request) = error.take_message() {
            let failure = Failure::before_request(error.error(), heard);
            return Miss::Unsent(Box::new(request), failure);
        }
        match Failure::before_head(error.error()) {
            failure @ (Failure::Reset | Failure::Tls) if !heard => Miss::Unheard(failure),
            failure => Miss::Failed(failure),
        }
    }
}

/// The clock of one wait. Its timer stays with the connection.
#[derive(Default)]
struct Stall {
    timer: LazyTimer,
    until: Option<Instant>,
    /// The request has a body: bytes that are taken for it are movement.
    upload: bool,
    writes: u64,
}

impl Stall {
    fn begin(&mut self, deadline: Instant, upload: bool) {
        self.until = Some(deadline);
        self.upload = upload;
    }

    fn poll(&mut self, writes: u64, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if self.upload && self.writes != writes {
            self.writes = writes;
            self.until = None;
        }
        let until = *self.until.get_or_insert_with(|| after(Instant::now(), limit));
        // An application may say without end what is no answer.
        self.timer.poll_until_though_busy(until, cx)
    }
}

/// `limit` from `now`; a limit beyond what a clock can hold is a year.
pub(super) fn after(now: Instant, limit: Duration) -> Instant {
    now.checked_add(limit.min(YEAR)).unwrap_or(now)
}

/// For hyper's channels: what they bring is brought by [`Connection::drive`] in the same poll.
pub(super) fn quiet() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_header_size(MAX_HEAD_BYTES).max_buf_size(MAX_BUFFER_BYTES);
    // Most requests are a head alone: one buffer, one plain write.
    builder.writev(false);
    builder
}

/// An answer's status line and header fields, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// What hyper may hold of one connection in each direction, in bytes.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
