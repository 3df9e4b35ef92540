//! What the operator sees of a running RETTER: `/health`, answered on the port of the visitors
//! without asking the application. It reads and changes nothing. What he can have done goes over
//! the socket beside the file, which no visitor can reach.

mod health;
mod memory;
mod socket;

pub use socket::Socket;

use crate::meter::Tally;
use crate::proxy::{Body, Proxy};
use crate::store::Store;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response};
use std::sync::Arc;
use std::time::Instant;

/// What the operator says about looking.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `health.path`; empty = off.
    pub health: String,
}

/// The operator's window.
pub struct Admin {
    settings: Settings,
    proxy: Arc<Proxy>,
    store: Store,
    /// What the server in front turned away, by reason.
    front: Arc<Tally>,
    started: Instant,
}

impl Admin {
    /// Opens it; the uptime counts from here.
    pub fn new(settings: Settings, proxy: Arc<Proxy>, store: Store, front: Arc<Tally>) -> Self {
        Self { settings, proxy, store, front, started: Instant::now() }
    }

    /// The answer, if the request is for the operator's page.
    pub fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let asked = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = &self.settings.health;
        if !asked || path.is_empty() || request.uri().path() != path {
            return None;
        }
        let mut response = Response::new(Body::Whole(Bytes::from(health::text(self))));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(response)
    }
}
