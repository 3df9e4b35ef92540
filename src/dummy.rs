//! The weak application of `retter dummy` and `retter demo`: something to rescue when nothing
//! real is at hand. It answers every path with a page of about 6 KB that carries a serial number,
//! so that a fresh page and an old one can be told apart by eye, and it can be made slow or broken
//! while it runs: `/set?f=1&s=2&e=0.5`.
//!
//! It knows nothing of the rest of RETTER and keeps nothing: what it demonstrates has to come from
//! the proxy in front. It sets no cookie, so that every visitor may be shown every copy, and it
//! says `no-cache`, as weak applications do: a browser then asks again for each look.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

mod page;
mod weakness;

pub use weakness::{Mistake, Weakness};

/// Answers on `listener` until dropped, which also ends every connection.
///
/// # Errors
/// When the listener has no address, that is, is none. A connection that cannot be accepted is
/// logged and waited out: an application that ends for lack of descriptors would demonstrate
/// something else.
pub async fn run(listener: TcpListener, start: Weakness) -> io::Result<()> {
    info!(application = %listener.local_addr()?, weakness = %start, "weak application ready");
    let application = Arc::new(Application::new(start));
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, application.clone()));
            }
            Err(error) => wait_out(error).await,
        }
    }
}

struct Application {
    weakness: Mutex<Weakness>,
    pages: AtomicU64,
}

impl Application {
    fn new(start: Weakness) -> Self {
        Self { weakness: Mutex::new(start), pages: AtomicU64::new(0) }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match request.uri().path() {
            "/set" => self.set(request.uri().query().unwrap_or_default()),
            path => self.page(path).await,
        }
    }

    fn set(&self, query: &str) -> Response<Full<Bytes>> {
        let mut weakness = self.weakness.lock();
        match weakness.changed_by(query) {
            Ok(changed) => {
                *weakness = changed;
                respond(StatusCode::OK, TEXT, format!("{changed}\n"))
            }
            Err(mistake) => respond(StatusCode::BAD_REQUEST, TEXT, format!("{mistake}\n")),
        }
    }

    async fn page(&self, path: &str) -> Response<Full<Bytes>> {
        // Copied out: the lock is not held while the page is slow.
        let weakness = *self.weakness.lock();
        tokio::time::sleep(weakness.delay(fastrand::f64())).await;
        if weakness.fails(fastrand::f64()) {
            return respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "broken\n".to_owned());
        }
        let serial = self.pages.fetch_add(1, Ordering::Relaxed) + 1;
        respond(StatusCode::OK, HTML, page::html(path, serial))
    }
}

async fn converse(stream: TcpStream, application: Arc<Application>) {
    let service = service_fn(|request| {
        let application = &application;
        async move { Ok::<_, Infallible>(application.answer(request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        debug!(%error, "connection to the weak application ended");
    }
}

async fn wait_out(error: io::Error) {
    warn!(%error, "weak application could not accept a connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// Past this many connections the next one waits in the kernel: weak, but not dead.
const MAX_CONNECTIONS: usize = 512;
/// How long a connection may wait for its next request.
const IDLE: Duration = Duration::from_secs(60);
/// The pause after a failed accept, so that a lack of descriptors is not a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
