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
//! | takes no bytes, or gives no window (CVE-2019-9517, -9511) | the socket's clock; [`Streams`] for one stream among others; [`PIECE_BYTES`] and the send buffer bound what waits |
//! | sends no more of a body | [`Arriving`]: `server.timeout.read` |
//! | says nothing, or is gone | idle since the last stream ended; pings |
//!
//! Refused: extended CONNECT (RFC 8441), so no WebSocket; server push; `Upgrade: h2c`.

use super::connection::Each;
use super::flow::{Arriving, Paced, Under, paced};
use super::io::{Phases, Socket};
use super::spelling;
use super::{Settings, flow};
use crate::headers::Client;
use crate::meter::Tally;
use crate::proxy::Body;
use crate::upstream::RequestBody;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::debug;

/// What all connections have in common.
pub(super) fn builder(settings: &Settings, front: &Arc<Tally>) -> http2::Builder<Streams> {
    let streams = Streams { write: settings.write, front: Arc::clone(front) };
    let mut http = http2::Builder::new(streams);
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
    let mut stop = each.stop.clone();
    let line = Arc::new(Line { each, client, phases, resets: Resets::default() });
    let its = Arc::clone(&line);
    let service = service_fn(move |request| answer(Arc::clone(&its), request));
    let connection = line.each.http2.serve_connection(TokioIo::new(socket), service);
    let (mut connection, mut told) = (pin!(connection), pin!(stop.wait_for(|stop| *stop)));
    let mut flooded = pin!(line.resets.too_many.notified());
    let (mut leaving, mut listening) = (false, false);
    let ended = poll_fn(|cx| {
        if flooded.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(Some(ended));
            }
            if leaving {
                return Poll::Pending;
            }
            // As in HTTP/1: asked once, it wakes this task.
            let is_news = !listening || line.each.stop.has_changed().unwrap_or(true);
            listening = true;
            let is_told = is_news && told.as_mut().poll(cx).is_ready();
            if !is_told && !line.phases.is_leaving() {
                return Poll::Pending;
            }
            leaving = true;
            line.phases.leave();
            connection.as_mut().graceful_shutdown();
        }
    });
    match ended.await {
        Some(Ok(())) => {}
        Some(Err(error)) => debug!(%error, client = %line.client.address, "connection ended"),
        None => {
            line.each.services.front.up("reset-flood");
            debug!(client = %line.client.address, "connection ended: too many resets");
        }
    }
}

/// One connection, for the requests on it.
struct Line {
    each: Arc<Each>,
    client: Client,
    phases: Phases,
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
        RequestBody::client(Arriving::new(body, settings.read, Arc::clone(late), front))
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
        line.phases.begin_stream();
        Self { line: Arc::clone(line), done: false }
    }
}

impl Under for UnderWay {
    fn done(&mut self) {
        self.done = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.line.phases.end_stream();
        if !self.done {
            self.line.resets.one_more();
        }
    }
}

/// Runs the streams of all connections, each as a task that ends when its client has given it no
/// window for `server.timeout.write`: h2 then resets the stream.
#[derive(Clone)]
pub(super) struct Streams {
    write: Duration,
    front: Arc<Tally>,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let Self { write, front } = self.clone();
        tokio::spawn(async move {
            if paced(stream, write).await.is_err() {
                front.up(flow::STALLED);
            }
        });
    }
}

/// Answers a client did not wait for. Browsers do that to what they show no more, so there is a
/// stock of them that fills up with time.
struct Resets {
    stock: Mutex<(u32, Instant)>,
    too_many: Notify,
}

impl Default for Resets {
    fn default() -> Self {
        Self { stock: Mutex::new((RESETS, Instant::now())), too_many: Notify::new() }
    }
}

impl Resets {
    fn one_more(&self) {
        let mut stock = self.stock.lock();
        let (left, since) = *stock;
        let grown = u32::try_from(since.elapsed().as_millis() / RESET_EVERY_MS).unwrap_or(RESETS);
        let since = if grown > 0 { Instant::now() } else { since };
        let left = left.saturating_add(grown).min(RESETS);
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
/// At once...
const RESETS: u32 = 200;
/// ... and one more in each of these.
const RESET_EVERY_MS: u128 = 50;
/// Of one stream, what h2 holds beyond what the client has taken.
const SEND_BYTES: usize = 64 << 10;
/// What a client may send before it is read, on one stream and on all.
const STREAM_WINDOW: u32 = 128 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;
const PINGS_APART: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn resets_are_forgiven_with_time_and_not_in_a_flood() {
        let resets = Resets::default();
        let flooded = async |resets: &Resets| {
            tokio::time::timeout(Duration::ZERO, resets.too_many.notified()).await.is_ok()
        };
        for _ in 0..RESETS {
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
