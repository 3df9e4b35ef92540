//! What a connection is doing at the moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

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
}

impl Phase {
    /// The counter's word for a silence that was too long.
    pub(super) fn silence(self) -> &'static str {
        match self {
            Self::Idle => "idle-timeout",
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
    blocked: AtomicBool,
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

    /// The client's system takes no more at the moment. Said in HTTP/2 alone.
    pub(super) fn block(&self, blocked: bool) {
        self.0.blocked.store(blocked, Ordering::Relaxed);
    }

    pub(in crate::server) fn is_blocked(&self) -> bool {
        self.0.blocked.load(Ordering::Relaxed)
    }

    pub(in crate::server) fn get(&self) -> Phase {
        match self.0.phase.load(Ordering::Relaxed) {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Body,
            3 => Phase::Answer,
            _ => Phase::Tunnel,
        }
    }
}
