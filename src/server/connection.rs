//! One client's connection, from its first byte to its close.

use super::body::{Received, Sent};
use super::farewell::Farewell;
use super::http2;
use super::io::{Phase, Phases, Socket};
use super::linger::linger;
use super::plain::Plain;
use super::stop::Ear;
use super::stream::{Protocol, Stream};
use super::table::Table;
use super::{Services, Settings};
use crate::headers::{Client, Scheme};
use crate::proxy::{self, Tunnel};
use crate::upstream::RequestBody;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tracing::debug;

/// All open connections.
pub(super) struct Connections {
    each: Arc<Each>,
    table: Arc<Table>,
    /// Every connection holds a receiver; when none is left, all are closed.
    open: watch::Sender<()>,
}

impl Connections {
    pub(super) fn new(services: Services, settings: Settings, stop: watch::Receiver<bool>) -> Self {
        let (table, http) = (Table::new(&settings), http(&settings));
        let http2 = http2::builder(&settings);
        let farewell = Farewell::new();
        let each = Arc::new(Each { services, settings, http, http2, farewell, stop });
        Self { each, table, open: watch::Sender::new(()) }
    }

    pub(super) fn open_now(&self) -> usize {
        self.open.receiver_count()
    }

    /// One more was turned away.
    pub(super) fn count(&self, reason: &'static str) {
        self.each.services.front.up(reason);
    }

    pub(super) fn open(&self, stream: Plain, peer: IpAddr) {
        let peer = peer.to_canonical();
        let trusted = self.each.settings.trusts(peer);
        if self.each.settings.proxied && !trusted {
            // Nothing he says about himself can be believed, and what he came round is there for a
            // reason.
            debug!(%peer, "not in server.trusted: no PROXY protocol header is taken from there");
            return self.count("not-a-proxy");
        }
        let place = match self.table.enter(peer, trusted) {
            Ok(place) => place,
            Err(full) => return self.each.turn_away(stream, full),
        };
        let (each, alive) = (Arc::clone(&self.each), self.open.subscribe());
        tokio::spawn(async move {
            if let Some((stream, client)) = each.welcome(stream, peer, place).await {
                each.serve(stream, client).await;
            }
            drop(alive);
        });
    }

    /// True when all have closed; false when `patience` was over before.
    pub(super) async fn drained(self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.open.closed()).await.is_ok()
    }
}

/// What every connection needs.
pub(super) struct Each {
    pub(super) services: Services,
    pub(super) settings: Settings,
    http: http1::Builder,
    pub(super) http2: hyper::server::conn::http2::Builder<TokioExecutor>,
    pub(super) farewell: Farewell,
    pub(super) stop: watch::Receiver<bool>,
}

impl Each {
    async fn serve(self: &Arc<Self>, stream: Plain, client: Client) {
        stream.send_small_pieces_at_once();
        let (phases, old) = (Phases::default(), AtomicBool::new(false));
        let mut stop = self.stop.clone();
        let begun = tokio::select! {
            biased;
            begun = self.begin(stream, &phases) => begun,
            _ = stop.wait_for(|stop| *stop) => None,
        };
        drop(stop);
        let Some((socket, scheme, protocol)) = begun else { return };
        let client = client.over(scheme);
        if protocol == Protocol::Http2 {
            let client = client.over_http2();
            // In a box, or every connection would be as large as these.
            return Box::pin(http2::serve(Arc::clone(self), socket, client, phases)).await;
        }
        // hyper has the connection as long as it serves it: what an answer agreed to waits here until it
        // is given back.
        let tunnel = Mutex::new(None);
        let service = service_fn(|request| self.answer(request, &client, &phases, &old, &tunnel));
        let mut connection = self.http.serve_connection(TokioIo::new(socket), service);
        let ended = self.run(Pin::new(&mut connection)).await;
        if let Err(error) = &ended {
            debug!(%error, client = %client.address, "connection ended");
        }
        let tunnel = tunnel.lock().take().filter(|_| ended.is_ok());
        if let Some(tunnel) = tunnel {
            let parts = connection.into_parts();
            // Few connections become one: all others are not to make room for it.
            Box::pin(dig(tunnel, parts.io.into_inner(), parts.read_buf)).await;
            return;
        }
        let is_answered = match &ended {
            Ok(()) => phases.is_unread(),
            Err(error) => self.is_nonsense(error),
        };
        if is_answered {
            let stream = connection.into_parts().io.into_inner().into_inner();
            self.unless_stopped(linger(stream)).await;
        } else if ended.is_err() && old.load(Ordering::Relaxed) {
            connection.into_parts().io.inner().reset();
        }
    }

    /// Up to where it is known what the client speaks. None: it has not said so.
    async fn begin(&self, stream: Plain, phases: &Phases) -> Option<(Socket, Scheme, Protocol)> {
        let (stream, scheme) = match &self.services.tls {
            None => (Stream::Plain(stream), Scheme::Http),
            Some(tls) => match Box::pin(tls.shake_hands(stream, self.settings.head)).await {
                Ok(stream) => (stream, Scheme::Https),
                Err(reason) => {
                    self.services.front.up(reason);
                    return None;
                }
            },
        };
        let front = Arc::clone(&self.services.front);
        let mut socket = Socket::new(stream, phases.clone(), &self.settings, front);
        let protocol = poll_fn(|cx| socket.poll_protocol(cx)).await.ok()?;
        Some((socket, scheme, protocol))
    }

    async fn run<S>(
        &self,
        mut connection: Pin<&mut http1::Connection<TokioIo<Socket>, S>>,
    ) -> hyper::Result<()>
    where
        S: HttpService<Incoming, ResBody = Sent<proxy::Body>>,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut stop = self.stop.clone();
        let told = pin!(stop.wait_for(|stop| *stop));
        let mut ear = Ear::new(told, &self.stop);
        let ended = poll_fn(|cx| match connection.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if ear.hears(cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        if let Some(ended) = ended.await {
            return ended;
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    // No `async fn`, whose future would have room for the request twice.
    fn answer<'a>(
        &'a self,
        request: Request<Incoming>,
        client: &'a Client,
        phases: &'a Phases,
        old: &AtomicBool,
        tunnel: &'a Mutex<Option<Tunnel>>,
    ) -> impl Future<Output = Result<Response<Sent<proxy::Body>>, Infallible>> + Send + 'a {
        old.store(request.version() == Version::HTTP_10, Ordering::Relaxed);
        let mut request = request.map(|body| received(body, phases));
        if phases.is_last() {
            // Who reads its lines differently must not be made to carry what he takes for HTTP.
            request.headers_mut().remove(header::UPGRADE);
        }
        let said = self.services.admin.answer(&request);
        if said.is_some() && phases.is_unread() {
            phases.make_last();
        }
        async move {
            let mut response = match said {
                Some(response) => response,
                None => self.services.proxy.handle(request, client.clone()).await,
            };
            if let Some(agreed) = response.body_mut().take_tunnel() {
                *tunnel.lock() = Some(agreed);
            } else if phases.is_last() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response.map(|body| Sent { body, phases: phases.clone() }))
        }
    }
}

/// hyper has sent the 101 and has let go of the connection.
async fn dig(tunnel: Tunnel, mut socket: Socket, early: Bytes) {
    socket.become_tunnel();
    tunnel.run(socket, early).await;
}

fn received(body: Incoming, phases: &Phases) -> RequestBody {
    let has_none = body.is_end_stream();
    phases.begin_request(!has_none);
    if has_none {
        phases.leave_unread(false);
        phases.enter(Phase::Answer);
        return RequestBody::Empty;
    }
    RequestBody::client(Received::new(body, phases.clone()))
}

/// hyper's own header timeout stays off: the socket keeps the time (see `io`). What is over these
/// limits hyper answers with 431 (RFC 6585 section 5).
fn http(settings: &Settings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_header_size(settings.header_bytes).header_read_timeout(None);
    if settings.header_lines != HYPERS_LINES {
        http.max_headers(settings.header_lines);
    }
    http
}

/// hyper's own limit, left alone where it fits: one of our own costs an allocation a request.
const HYPERS_LINES: usize = 100;
