//! A connection that turns to WebSocket, with the visitor's and the application's consent.
//!
//! To the breaker and the gate it is a request that is over with its head: it lasts for hours, and how
//! it ends says nothing about a page. RETTER reads none of what it carries. It is no page either, so
//! there is no copy of it, and who cannot have it now is told so at once.

use super::asked::Asked;
use super::body::Body;
use super::carry::{Carried, End, Side, carry};
use super::errand::{Answer, Brought, Errand};
use crate::clock;
use crate::upstream::{Line, Upgraded};
use bytes::Bytes;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

/// What follows a 101: all of it but the visitor's connection, which the server has.
pub struct Tunnel {
    line: Line,
    idle: Duration,
    /// How long the application may take nothing of what waits for it.
    stuck: Duration,
    counts: Arc<Counts>,
    path: String,
    client: IpAddr,
}

/// How many tunnels there are and were.
#[derive(Default)]
pub(super) struct Counts {
    open: AtomicU64,
    all: AtomicU64,
    idle: AtomicU64,
}

/// [`Counts`], read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TunnelFigures {
    /// Open now.
    pub open: u64,
    /// Opened since the start.
    pub all: u64,
    /// Ended because nothing came from either side for `tunnel.idle`.
    pub idle: u64,
}

impl Errand {
    /// Asks once, whatever comes of it: that is said in the head of the answer.
    pub(super) async fn switch(&mut self) -> Brought {
        let (proxy, asked) = (Arc::clone(&self.proxy), Arc::clone(&self.asked));
        let fields = || asked.sent();
        let outgoing = Self::outgoing(&asked, &fields, &proxy.settings.key);
        match self.watch(pin!(proxy.upstream.upgrade(outgoing))).await {
            Ok(Upgraded::Switched(head, line)) => {
                self.over_with_its_head();
                let body = Body::Tunnel(Box::new(self.tunnel(line)));
                Brought::Answer(Answer { head: Box::new(head), body })
            }
            Ok(Upgraded::Answered(reply)) => self.bring(reply).await,
            Err(failure) => {
                self.failed(failure);
                Brought::Nothing(failure)
            }
        }
    }

    fn tunnel(&self, line: Line) -> Tunnel {
        let Asked { client, .. } = &*self.asked;
        Tunnel {
            line,
            idle: self.proxy.settings.tunnel_idle,
            stuck: self.proxy.upstream.patience(),
            counts: Arc::clone(&self.proxy.tunnels),
            path: self.asked.path().to_owned(),
            client: client.address,
        }
    }
}

impl Tunnel {
    /// Carries bytes both ways until it ends. `front` is the visitor's connection, `early` what he
    /// sent before the application had agreed.
    pub async fn run(self, front: impl AsyncRead + AsyncWrite + Unpin, early: Bytes) {
        let Self { line, idle, stuck, counts, path, client } = self;
        let (began, open) = (clock::mono(), Open::new(&counts));
        let (back, said) = line.into_parts();
        let front = Side { stream: front, read: early };
        let back = Side { stream: back, read: said };
        let Carried { up, down, end } = carry(front, back, idle, stuck).await;
        drop(open);
        if matches!(end, End::Idle) {
            counts.idle.fetch_add(1, Ordering::Relaxed);
        }
        let seconds = clock::mono().saturating_duration_since(began).as_secs();
        let error = match &end {
            End::Broken(error) => Some(error.to_string()),
            End::Closed | End::Idle | End::Stuck => None,
        };
        debug!(path, %client, up, down, seconds, why = end.as_str(), error, "tunnel ended");
    }
}

impl End {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Idle => "idle",
            Self::Stuck => "stuck",
            Self::Broken(_) => "broken",
        }
    }
}

impl Counts {
    pub(super) fn read(&self) -> TunnelFigures {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        TunnelFigures { open: load(&self.open), all: load(&self.all), idle: load(&self.idle) }
    }
}

/// One that is open; counted until dropped, for a tunnel may be cut in the middle.
struct Open<'a>(&'a Counts);

impl<'a> Open<'a> {
    fn new(counts: &'a Counts) -> Self {
        counts.all.fetch_add(1, Ordering::Relaxed);
        counts.open.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
