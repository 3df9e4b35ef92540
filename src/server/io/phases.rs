//! What a connection is doing at the moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

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

/// The body of the request before, until something is read that is not part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Before {
    /// It has come to its end after so many bytes, as was said before.
    Length(u64),
    /// It has come to its end, in chunks.
    Chunks,
    /// It has not come to its end.
    Open,
}

/// The phase, shared between the socket and what is served on it.
#[derive(Clone, Default)]
pub(in crate::server) struct Phases(Arc<Shared>);

#[derive(Default)]
struct Shared {
    phase: AtomicU8,
    last: AtomicBool,
    unread: AtomicBool,
    doubtful: AtomicBool,
    /// See [`Before`], which this is as a number.
    before: AtomicU64,
    blocked: AtomicBool,
}

impl Phases {
    pub(in crate::server) fn enter(&self, phase: Phase) {
        self.0.phase.store(phase as u8, Ordering::Release);
    }

    /// A request's body begins.
    pub(in crate::server) fn begin_body(&self) {
        self.set_before(Before::Open);
        self.leave_unread(true);
        self.enter(Phase::Body);
    }

    /// A request's body has been read to its end; `length` as it was said before. The answer may have
    /// ended before, and the connection be idle.
    pub(in crate::server) fn end_body(&self, length: Option<u64>) {
        self.set_before(length.map_or(Before::Chunks, Before::Length));
        self.leave_unread(false);
        let (body, answer) = (Phase::Body as u8, Phase::Answer as u8);
        // It is in another phase by now, otherwise.
        let _ = self.0.phase.compare_exchange(body, answer, Ordering::Release, Ordering::Relaxed);
    }

    /// Behind a head there is a bare LF. In a body it means nothing, otherwise the next request has it.
    pub(super) fn doubt_what_follows(&self) {
        self.0.doubtful.store(true, Ordering::Relaxed);
    }

    /// A request begins, with a body or without.
    pub(in crate::server) fn begin_request(&self, has_body: bool) {
        let is_doubtful = self.0.doubtful.load(Ordering::Relaxed);
        if is_doubtful {
            self.0.doubtful.store(false, Ordering::Relaxed);
        }
        // Behind a body it came in the reads of that, where nobody has looked at its line ends.
        if self.follows_body() || (is_doubtful && !has_body) {
            self.make_last();
        }
    }

    fn set_before(&self, before: Before) {
        let number = match before {
            Before::Length(length) => length.saturating_add(NUMBERED),
            Before::Chunks => CHUNKS,
            Before::Open => OPEN,
        };
        self.0.before.store(number, Ordering::Relaxed);
    }

    /// A body came before, and nothing has been read since then.
    fn follows_body(&self) -> bool {
        self.0.before.load(Ordering::Relaxed) != 0
    }

    /// The body that came before, once.
    pub(super) fn take_before(&self) -> Option<Before> {
        if !self.follows_body() {
            return None;
        }
        match self.0.before.swap(0, Ordering::Relaxed) {
            0 => None,
            OPEN => Some(Before::Open),
            CHUNKS => Some(Before::Chunks),
            number => Some(Before::Length(number - NUMBERED)),
        }
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
        match self.0.phase.load(Ordering::Acquire) {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Body,
            3 => Phase::Answer,
            _ => Phase::Tunnel,
        }
    }
}

const OPEN: u64 = 1;
const CHUNKS: u64 = 2;
/// What a length is a number from.
const NUMBERED: u64 = 3;
