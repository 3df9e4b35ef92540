//! What a connection is doing at the moment.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use tokio::time::Instant;

/// What the connection is doing, as the service sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::server) enum Phase {
    /// No byte of the next request yet.
    Idle = 0,
    /// Some of a request's head.
    Head = 1,
    /// Its body.
    Body = 2,
    /// The application's turn, or the answer's.
    Answer = 3,
    /// No HTTP any more: both may be silent for as long as the tunnel allows.
    Tunnel = 4,
    /// An HTTP/2 client has been told that this is the end, and is to agree.
    Farewell = 5,
}

impl Phase {
    /// The counter's word for a silence that was too long.
    pub(super) fn silence(self) -> &'static str {
        match self {
            Self::Idle | Self::Farewell => "idle-timeout",
            Self::Head => "head-timeout",
            Self::Body => "read-timeout",
            Self::Answer | Self::Tunnel => "write-timeout",
        }
    }
}

/// The phase, shared between the socket and what is served on it.
#[derive(Clone, Default)]
pub(in crate::server) struct Phases(Arc<Shared>);

#[derive(Default)]
struct Shared {
    phase: AtomicU8,
    last: AtomicBool,
    unread: AtomicBool,
    /// Requests under way in HTTP/2, where one phase does not say it all: with any it is `Answer`.
    streams: AtomicU32,
    /// When the last of them ended.
    streams_ended: Mutex<Option<Instant>>,
    /// An HTTP/2 connection takes no new ones.
    leaving: AtomicBool,
}

impl Phases {
    pub(in crate::server) fn enter(&self, phase: Phase) {
        self.0.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// The request being read is the last on this connection: another server might read it, or where
    /// its body ends, differently (RFC 9112 section 2.2), so nothing after it is believed.
    pub(in crate::server) fn make_last(&self) {
        self.0.last.store(true, Ordering::Relaxed);
    }

    pub(in crate::server) fn is_last(&self) -> bool {
        self.0.last.load(Ordering::Relaxed)
    }

    /// A request's body begins, or has been read to its end.
    pub(in crate::server) fn leave_unread(&self, unread: bool) {
        self.0.unread.store(unread, Ordering::Relaxed);
    }

    /// The client may still be sending what nobody reads.
    pub(in crate::server) fn is_unread(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed)
    }

    pub(in crate::server) fn begin_stream(&self) {
        self.0.streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::server) fn end_stream(&self) {
        *self.0.streams_ended.lock() = Some(Instant::now());
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }

    /// When the last request of HTTP/2 ended.
    pub(super) fn streams_ended(&self) -> Option<Instant> {
        *self.0.streams_ended.lock()
    }

    pub(in crate::server) fn leave(&self) {
        self.0.leaving.store(true, Ordering::Relaxed);
    }

    pub(in crate::server) fn is_leaving(&self) -> bool {
        self.0.leaving.load(Ordering::Relaxed)
    }

    pub(super) fn get(&self) -> Phase {
        if self.0.streams.load(Ordering::Relaxed) > 0 {
            return Phase::Answer;
        }
        if self.is_leaving() {
            return Phase::Farewell;
        }
        match self.0.phase.load(Ordering::Relaxed) {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Body,
            3 => Phase::Answer,
            _ => Phase::Tunnel,
        }
    }
}
