//! Tries to the application: connections, timeouts, and when to try again.
//!
//! Connections are kept by hand over hyper's HTTP/1.1 client, not by a ready-made pool, for two
//! reasons. Bytes after the end of an answer make the whole answer doubtful, and only who owns
//! the connection sees them before the answer is believed. And a connection that is driven by the
//! call that uses it costs no wake-ups between tasks (see `connection.rs`).
//!
//! A try is one request and one answer. The single thing sent twice within it is an idempotent
//! request without a body on a kept connection that turns out to be dead: it died before a byte of an
//! answer. That is the risk of keeping connections, nobody's failure, and no retry. Retries (`call`) and hedges (`hedge`) are around a try, paid for out of
//! one `budget`, and know no wire. This room follows no redirects, reads no proxy variables, and
//! judges no status: what is a failure, whether the breaker lets anything be sent again, and how
//! long a visitor waits who could be given a copy, the caller says ([`Leave`]).

mod backoff;
mod base;
mod body;
mod budget;
mod call;
mod complaints;
mod connect;
mod connection;
mod failure;
mod head;
mod hedge;
mod leave;
mod percentile;
mod pool;
mod resolve;
mod retry;
mod stream;
mod tape;
#[cfg(test)]
mod tests;
mod tls;
mod tunnel;
mod wire;

pub use backoff::Backoff;
pub use base::{BaseUrl, Place};
pub use body::{ReplyBody, RequestBody};
pub use failure::Failure;
pub use hedge::Hedge;
pub use leave::{Ended, Leave, Step, Winner};
pub use retry::{AgainCounts, Retry};
pub use tls::{Ca, NoRoots, is_name};
pub use tunnel::{Line, Upgraded};

use crate::policy::Framing;
use call::{Call, Tries};
use connect::Dialer;
use connection::{Connection, Miss, after};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, Uri, Version, response};
use hyper::body::Incoming;
use pool::Pool;
use retry::{Again, Lost};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Where the application is and how long it may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `backend.baseurl`
    pub base: BaseUrl,
    /// `backend.ca`
    pub ca: Ca,
    /// `backend.sni`: the name in the application's certificate, if it is not the base URL's host
    pub sni: Option<String>,
    /// `backend.timeout`: to the head over all tries together, afterwards any silence inside the
    /// body. Not counted while the client's own body moves.
    pub timeout: Duration,
    /// `backend.connect`: to a connection, over all addresses together.
    pub connect: Duration,
    /// `retry.*`
    pub retry: Retry,
    /// `hedge.delay`
    pub hedge: Hedge,
}

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    shared: Arc<Shared>,
}

/// What all calls and their bodies share.
struct Shared {
    settings: Settings,
    /// `Host` for requests that bring none.
    host: Option<HeaderValue>,
    dialer: Dialer,
    pool: Pool,
    opened: AtomicU64,
    reused: AtomicU64,
    resends: AtomicU64,
    again: Again,
}

/// The head of a request in its final form, except for the base URL's prefix, the framing of its
/// body, and `Host` if it has none.
pub struct Outgoing<'a> {
    pub method: &'a Method,
    /// Path and query.
    pub target: Uri,
    /// The fields, made anew for every try.
    pub headers: &'a (dyn Fn() -> HeaderMap + Sync),
}

/// An answer whose head has come.
pub struct Reply {
    /// As it came, except that repeated equal lengths are one, and in HTTP/1.1 whatever the
    /// application speaks. Its extensions carry the spelling of the reason phrase.
    /// Boxed, for it passes through many hands.
    pub head: Box<response::Parts>,
    /// How the end of the body is known; `Length(0)` where there can be none.
    pub framing: Framing,
    /// To be read to its `None`; until then nobody knows whether the answer is sound.
    pub body: ReplyBody,
}

/// What has happened on the connections since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections opened.
    pub opened: u64,
    /// Requests that went over a connection kept from before.
    pub reused: u64,
    /// Requests sent a second time because their kept connection was dead.
    pub resends: u64,
    /// Connections idle now.
    pub idle: u64,
    /// What was sent again.
    pub again: AgainCounts,
}

impl Upstream {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// The base URL is `https`, and there is nothing to check the application's certificate with.
    pub fn new(settings: Settings) -> Result<Self, NoRoots> {
        let host = HeaderValue::try_from(settings.base.authority()).ok();
        let dialer = Dialer::new(&settings)?;
        let again = Again::new(&settings.retry);
        Ok(Self {
            shared: Arc::new(Shared {
                settings,
                host,
                dialer,
                pool: Pool::default(),
                opened: AtomicU64::new(0),
                reused: AtomicU64::new(0),
                resends: AtomicU64::new(0),
                again,
            }),
        })
    }

    /// Sends the request, again if that is allowed and may help, and returns when the head of the
    /// answer that is to be given has come. `backend.timeout` counts from `began`. Dropping the
    /// future closes the connections it was using.
    ///
    /// # Errors
    /// Every [`Failure`] but [`Failure::Truncated`] and [`Failure::Silent`], which are the body's.
    // No `async fn`, whose future would have room for the head twice.
    pub fn call<'a, L: Leave>(
        &'a self,
        head: Outgoing<'a>,
        body: RequestBody,
        leave: &'a L,
        began: std::time::Instant,
    ) -> impl Future<Output = Result<Reply, Failure>> + Send + 'a {
        let Shared { settings, again, .. } = &*self.shared;
        let target = settings.base.target(head.target);
        let head = target.map(|target| Outgoing { target, ..head });
        async move {
            let Some(head) = &head else { return Err(Failure::TargetTooLong) };
            Call::new(self, settings, again, head, leave, began.into()).run(body).await
        }
    }

    /// How many connections were opened, reused and found dead.
    pub fn counts(&self) -> Counts {
        let shared = &self.shared;
        Counts {
            opened: shared.opened.load(Ordering::Relaxed),
            reused: shared.reused.load(Ordering::Relaxed),
            resends: shared.resends.load(Ordering::Relaxed),
            idle: shared.pool.len() as u64,
            again: shared.again.read(),
        }
    }

    /// The request as it goes onto one connection. The head stays behind, for another connection.
    fn request(&self, head: &Outgoing<'_>, body: RequestBody) -> Request<RequestBody> {
        let mut headers = (head.headers)();
        if !headers.contains_key(header::HOST)
            && let Some(host) = &self.shared.host
        {
            headers.insert(header::HOST, host.clone());
        }
        body.frame_in(&mut headers);
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.target.clone();
        *request.headers_mut() = headers;
        request
    }

    async fn connect(&self, deadline: Instant) -> Result<Box<Connection>, Failure> {
        let Settings { base, connect, .. } = &self.shared.settings;
        let deadline = deadline.min(after(Instant::now(), *connect));
        let stream = self.shared.dialer.dial(&base.place, deadline).await?;
        count(&self.shared.opened);
        Ok(Box::new(Connection::open(stream).await?))
    }

    fn reply(
        &self,
        connection: Box<Connection>,
        answer: Response<Incoming>,
    ) -> Result<Reply, Failure> {
        let (mut head, incoming) = answer.into_parts();
        let framing = head::framing(&mut head, &incoming)?;
        // After an answer in HTTP/1.0 hyper speaks 1.0 too, and would drop a body of unknown
        // length without a word.
        let reusable = head.version == Version::HTTP_11 && framing != Framing::Close;
        // What follows is between RETTER and its visitor. In 1.0 only the end of a connection could
        // tell him that a body of unknown length is whole, and a plain end is all hyper has.
        head.version = Version::HTTP_11;
        let body = ReplyBody::new(connection, incoming, self.shared.clone(), reusable);
        Ok(Reply { head: Box::new(head), framing, body })
    }
}

impl Tries for Upstream {
    /// On a kept connection if there is one. A dead one costs a poll, so all may be found dead before
    /// a new one is opened.
    // One function for what could be three: each is a layer that every poll goes through.
    async fn send(
        &self,
        head: &Outgoing<'_>,
        mut body: RequestBody,
        deadline: Instant,
    ) -> Result<Reply, Lost> {
        let Shared { settings, pool, reused, resends, .. } = &*self.shared;
        let mut kept = pool.take();
        loop {
            let is_kept = kept.is_some();
            let mut connection = match kept.take() {
                Some(connection) => connection,
                // Boxed: most requests need no new connection, and would make room for it all the
                // same.
                None => match Box::pin(self.connect(deadline)).await {
                    Ok(connection) => connection,
                    Err(failure) => return Err(Lost { failure, unsent: Some(body) }),
                },
            };
            let may_resend = is_kept && head.is_idempotent() && body.is_empty();
            let request = self.request(head, body);
            let answer = match connection.head(request, deadline, settings.timeout).await {
                Err(Miss::Unsent(unsent, _)) if is_kept => {
                    body = unsent.into_body();
                    kept = pool.take();
                    continue;
                }
                Err(Miss::Unheard(_)) if may_resend => {
                    count(resends);
                    body = RequestBody::Empty;
                    continue;
                }
                answer => answer,
            };
            if is_kept {
                count(reused);
            }
            return match answer {
                Ok(answer) => self.reply(connection, answer).map_err(Lost::by),
                Err(miss) => Err(miss.into()),
            };
        }
    }
}

impl Outgoing<'_> {
    /// Changes nothing (RFC 9110 section 9.2.1).
    fn is_safe(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
    }

    /// Changes no more when it arrives twice (RFC 9110 section 9.2.2). So it may be sent once more on
    /// another connection; that an application is asked again after it has answered, or may still be
    /// at work, is worth it for safe methods alone.
    fn is_idempotent(&self) -> bool {
        self.is_safe() || matches!(*self.method, Method::PUT | Method::DELETE)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
