//! HTTP/2 in front (RFC 9113), by hyper and the h2 crate: after ALPN, or by prior knowledge.
//!
//! One connection carries many requests, so what bounds a connection in HTTP/1 bounds nothing here.
//! Held against what is known to be done with that:
//!
//! | what a client does | what holds it |
//! |---|---|
//! | opens streams without end | `limit.streams`; h2 refuses what is over |
//! | opens and resets at once (rapid reset, CVE-2023-44487) | h2 ends a connection with 20 that were reset before they were looked at; [`Resets`] those that were begun. What was begun at the application keeps its slot, as when an HTTP/1 client leaves |
//! | makes RETTER reset (made you reset, CVE-2025-8671; RUSTSEC-2024-0003) | h2 ends a connection after [`OWN_RESETS`] of its own |
//! | a head in CONTINUATION frames without end (RUSTSEC-2024-0332) | h2 counts the frames; a list over 16 KiB is answered 431 unseen |
//! | empty frames without end (CVE-2019-9518; RUSTSEC-2023-0034) | h2 hands none on, and keeps none |
//! | SETTINGS and PING without end (CVE-2019-9515, -9512) | h2 reads no further before it has written the answer |
//! | takes no bytes, or gives no window (CVE-2019-9517, -9511) | [`Clock`]: nothing of any answer was written, and nothing of a body came, for `server.timeout.write`; [`PIECE_BYTES`](super::flow::PIECE_BYTES) and the send buffer bound what waits |
//! | sends frames without end that mean nothing | [`Clock`] and the socket's: such a connection is idle, or takes nothing of its answers, whatever it says; `linger` throws away no more than a reader says |
//! | sends no more of a body | [`Arriving`]: `server.timeout.read` |
//! | says nothing, or is gone | [`Clock`]: idle since nothing has been owed; pings |
//!
//! The time for taking an answer is the connection's, as in HTTP/1, and not each stream's: of a hundred
//! pictures over a slow line most wait for long, and that is nobody's fault. So a stream without a
//! window beside others that move is held by what it costs, a piece, and not by a time.
//!
//! A connection that ends is told so (GOAWAY), and has a second to agree. Whether it has or not, its end
//! waits for a slow reader (see `linger`): the window updates of one who still reads would make a reset
//! of a plain close.
//!
//! hyper sends no interim answers in HTTP/2, so `Expect: 100-continue` is taken off: the application is
//! not to wait for what its client cannot be told either. Such a client sends his body after a while.
//!
//! Refused: extended CONNECT (RFC 8441), so no WebSocket; server push; `Upgrade: h2c`.

use super::Settings;
use super::connection::Each;
use super::flow::{Arriving, Paced, Under};
use super::io::{Phase, Phases, Socket};
use super::owed::{Owed, Standing};
use super::spelling;
use super::stop::Ear;
use crate::clock::LazyTimer;
use crate::headers::Client;
use crate::proxy::Body;
use crate::upstream::RequestBody;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::debug;

/// What all connections have in common.
pub(super) fn builder(settings: &Settings) -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams)
        .max_header_list_size(settings.header_bytes.min(HEAD_BYTES) as u32)
        .max_pending_accept_reset_streams(UNSEEN_RESETS)
        .max_local_error_reset_streams(OWN_RESETS)
        .max_send_buf_size(SEND_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PINGS_APART)
        .keep_alive_timeout(PING_LIMIT);
    http
}

/// Serves one connection to its end.
pub(super) async fn serve(each: Arc<Each>, mut socket: Socket, client: Client, phases: Phases) {
    socket.turn_to_http2();
    let (owed, resets) = (Owed::default(), Resets::new(each.settings.resets));
    let line = Arc::new(Line { each, client, phases, owed, resets });
    let front = &line.each.services.front;
    let cut = match converse(&line, &mut socket).await {
        End::Done(Ok(())) => return socket.linger_on(AGREED).await,
        End::Unanswered => return socket.linger_on(READING).await,
        End::Done(Err(error)) => {
            debug!(%error, client = %line.client.address, "connection ended");
            return;
        }
        End::Stalled => "write-timeout",
        End::Flooded => "reset-flood",
    };
    front.up(cut);
    debug!(client = %line.client.address, why = cut, "connection cut");
}

/// How a connection came to its end.
enum End {
    /// By the protocol, or by an error.
    Done(hyper::Result<()>),
    /// The client was told, and has not agreed in time.
    Unanswered,
    /// The client took nothing of its answers.
    Stalled,
    /// Too many resets.
    Flooded,
}

async fn converse(line: &Arc<Line>, socket: &mut Socket) -> End {
    let mut stop = line.each.stop.clone();
    let its = Arc::clone(line);
    let service = service_fn(move |request| answer(Arc::clone(&its), request));
    let connection = line.each.http2.serve_connection(TokioIo::new(socket), service);
    let (mut connection, told) = (pin!(connection), pin!(stop.wait_for(|stop| *stop)));
    let mut ear = Ear::new(told, &line.each.stop);
    let mut flooded = pin!(line.resets.too_many.notified());
    let mut clock = Clock::default();
    let ended = poll_fn(|cx| {
        if flooded.as_mut().poll(cx).is_ready() {
            return Poll::Ready(End::Flooded);
        }
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(End::Done(ended));
            }
            let is_told = clock.leaving.is_none() && ear.hears(cx);
            match clock.poll(line, cx) {
                Poll::Ready(Due::Idle) => line.each.services.front.up("idle-timeout"),
                Poll::Ready(Due::Unanswered) => return Poll::Ready(End::Unanswered),
                Poll::Ready(Due::Stalled) => return Poll::Ready(End::Stalled),
                Poll::Pending if !is_told => return Poll::Pending,
                Poll::Pending => {}
            }
            clock.leave();
            connection.as_mut().graceful_shutdown();
        }
    });
    ended.await
}

/// What is to be done after so long.
enum Due {
    /// Nothing has been owed for so long: the client may go.
    Idle,
    Unanswered,
    Stalled,
}

/// The times of a connection as a whole.
#[derive(Default)]
struct Clock {
    timer: LazyTimer,
    /// When the client was told to go.
    leaving: Option<Instant>,
}

impl Clock {
    fn leave(&mut self) {
        *self = Self { timer: LazyTimer::default(), leaving: Some(Instant::now()) };
    }

    fn poll(&mut self, line: &Line, cx: &mut Context<'_>) -> Poll<Due> {
        let Settings { idle, write, .. } = line.each.settings;
        if line.phases.get() == Phase::Head && self.leaving.is_none() {
            // The socket has the time of a greeting, as it has that of a write.
            return self.look_again(line, cx);
        }
        let (since, limit, due) = match (line.owed.standing(), self.leaving) {
            (Standing::Waits(since), _) => (since, write, Due::Stalled),
            (Standing::Busy, _) => return self.look_again(line, cx),
            _ if line.phases.is_blocked() => return self.look_again(line, cx),
            (Standing::Free(since), Some(told)) => (since.max(told), LAST_WORD, Due::Unanswered),
            (Standing::Free(since), None) => (since, idle, Due::Idle),
        };
        if limit.is_zero() {
            return Poll::Pending;
        }
        // A client may send without end what no window holds back.
        self.timer.poll_until_though_busy(since + limit, cx).map(|()| due)
    }

    /// Not every change wakes the connection's task: a stream's may end without a word to it.
    fn look_again(&mut self, line: &Line, cx: &mut Context<'_>) -> Poll<Due> {
        let Settings { idle, write, .. } = line.each.settings;
        let told = self.leaving.map(|_| LAST_WORD);
        let limits = [Some(idle), Some(write), told];
        if let Some(shortest) = limits.into_iter().flatten().filter(|it| !it.is_zero()).min() {
            self.timer.wake_within(shortest, cx);
        }
        Poll::Pending
    }
}

/// One connection, for the requests on it.
struct Line {
    each: Arc<Each>,
    client: Client,
    phases: Phases,
    owed: Owed,
    resets: Resets,
}

/// Counted from here, and not from when the future is first polled: it may never be.
fn answer(
    line: Arc<Line>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Paced<Body, UnderWay>>, Infallible>> + Send {
    let under_way = UnderWay::on(&line);
    async move {
        let is_head = *request.method() == Method::HEAD;
        let response = line.respond(request).await;
        let without = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        let bodiless = is_head || without.contains(&response.status());
        Ok(response.map(|body| Paced::new(body, bodiless, under_way)))
    }
}

impl Line {
    async fn respond(&self, mut request: Request<Incoming>) -> Response<Body> {
        let Each { services, settings, .. } = &*self.each;
        if let Err(status) = spelling::as_http1(&mut request, settings) {
            return bare(status);
        }
        take_off_expectation(request.headers_mut());
        let late = Arc::new(AtomicBool::new(false));
        let request = request.map(|body| self.received(body, &late));
        let mut response = match services.admin.answer(&request) {
            Some(response) => response,
            None => services.proxy.handle(request, self.client.clone()).await,
        };
        if late.load(Ordering::Relaxed) && response.status() == StatusCode::BAD_REQUEST {
            response = bare(StatusCode::REQUEST_TIMEOUT);
        }
        // What RETTER says to close a connection of HTTP/1 is malformed here (section 8.2.2).
        response.headers_mut().remove(header::CONNECTION);
        response
    }

    fn received(&self, body: Incoming, late: &Arc<AtomicBool>) -> RequestBody {
        if body.is_end_stream() {
            return RequestBody::Empty;
        }
        let Each { services, settings, .. } = &*self.each;
        let front = Arc::clone(&services.front);
        RequestBody::client(Arriving::new(
            body,
            settings.read,
            Arc::clone(late),
            front,
            self.owed.clone(),
        ))
    }
}

/// Not one that nobody knows: that is the door's to refuse.
fn take_off_expectation(fields: &mut HeaderMap) {
    let is_known = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if fields.contains_key(header::EXPECT) && fields.get_all(header::EXPECT).iter().all(is_known) {
        fields.remove(header::EXPECT);
    }
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A request that is under way.
struct UnderWay {
    line: Arc<Line>,
    done: bool,
}

impl UnderWay {
    fn on(line: &Arc<Line>) -> Self {
        line.owed.begin_stream();
        Self { line: Arc::clone(line), done: false }
    }
}

impl Under for UnderWay {
    fn done(&mut self) {
        self.done = true;
    }

    fn owed(&self) -> &Owed {
        &self.line.owed
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.line.owed.end_stream();
        if !self.done {
            self.line.resets.one_more();
        }
    }
}

/// Answers a client did not wait for. Browsers do that to what they show no more, so there is a
/// stock of them that fills up with time.
struct Resets {
    most: u32,
    stock: Mutex<(u32, Instant)>,
    too_many: Notify,
}

impl Resets {
    fn new(most: u32) -> Self {
        Self { most, stock: Mutex::new((most, Instant::now())), too_many: Notify::new() }
    }

    fn one_more(&self) {
        let mut stock = self.stock.lock();
        let (left, since) = *stock;
        let grown =
            u32::try_from(since.elapsed().as_millis() / RESET_EVERY_MS).unwrap_or(self.most);
        let since = if grown > 0 { Instant::now() } else { since };
        let left = left.saturating_add(grown).min(self.most);
        *stock = (left.saturating_sub(1), since);
        if left == 0 {
            self.too_many.notify_one();
        }
    }
}

/// Of a list of header fields, as HTTP/2 counts them.
const HEAD_BYTES: usize = 16 << 10;
const UNSEEN_RESETS: usize = 20;
const OWN_RESETS: usize = 64;
/// One more in each of these.
const RESET_EVERY_MS: u128 = 50;
/// Of one stream, what h2 holds beyond what the client has taken, if the client gives it a window for so
/// much.
const SEND_BYTES: usize = 32 << 10;
/// How long a client may take to agree that its connection is at an end.
const LAST_WORD: Duration = Duration::from_secs(1);
/// How long nothing may come at the end of a connection: from who has agreed and so has read everything,
/// and from who has not, and may be reading still.
const AGREED: Duration = Duration::from_secs(1);
const READING: Duration = Duration::from_secs(5);
/// What a client may send before it is read, on one stream and on all.
const STREAM_WINDOW: u32 = 128 << 10;
pub(super) const CONNECTION_WINDOW: u32 = 512 << 10;
const PINGS_APART: Duration = Duration::from_secs(20);
/// A ping waits behind what a slow line has not carried yet.
const PING_LIMIT: Duration = Duration::from_secs(40);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn resets_are_forgiven_with_time_and_not_in_a_flood() {
        let resets = Resets::new(200);
        let flooded = async |resets: &Resets| {
            tokio::time::timeout(Duration::ZERO, resets.too_many.notified()).await.is_ok()
        };
        for _ in 0..200 {
            resets.one_more();
        }
        assert!(!flooded(&resets).await);
        tokio::time::sleep(Duration::from_millis(RESET_EVERY_MS as u64)).await;
        resets.one_more();
        assert!(!flooded(&resets).await);
        resets.one_more();
        assert!(flooded(&resets).await);
    }
}
