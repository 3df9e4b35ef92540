//! What a client speaks, by its first bytes.

use super::{Http2, Phase, Socket, Speaks};
use crate::server::stream::Protocol;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

impl Socket {
    /// Which HTTP the client speaks: what TLS agreed on, or what its first bytes say (RFC 9113
    /// section 3.3). They are looked at where they lie, so that an HTTP/1 request is read as ever;
    /// only the beginning of a preface is taken out, since nothing tells when more of it comes.
    pub(in crate::server) fn poll_protocol(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Protocol>> {
        if let Some(agreed) = self.stream.agreed() {
            return Poll::Ready(Ok(agreed));
        }
        loop {
            let mut room = [0; PREFACE.len()];
            let mut seen = ReadBuf::new(&mut room);
            if self.stream.poll_peek(cx, &mut seen)?.is_pending() {
                // Over by an error alone.
                return self.poll_read_silence(cx).map_ok(|()| Protocol::Http1);
            }
            let (seen, rest) = (seen.filled(), &PREFACE[self.held.len()..]);
            let common = seen.len().min(rest.len());
            if seen.is_empty() || seen[..common] != rest[..common] {
                return Poll::Ready(Ok(Protocol::Http1));
            }
            if common == rest.len() {
                return Poll::Ready(Ok(Protocol::Http2));
            }
            let mut taken = ReadBuf::new(&mut room[..common]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut taken))?;
            let more = taken.filled().len();
            self.held = &PREFACE[..self.held.len() + more];
            if self.phases.get() == Phase::Idle {
                self.phases.enter(Phase::Head);
                self.read.end();
            }
        }
    }

    /// From here on it is HTTP/2: its greeting is to come within the time of a head, and what a
    /// client is told that is too slow are no words of HTTP/1.
    pub(in crate::server) fn turn_to_http2(&mut self) {
        self.speaks = Speaks::Http2(Http2 { greeting: 0, heard_at: Instant::now() });
        self.phases.enter(Phase::Head);
    }
}

/// What an HTTP/2 client says first (RFC 9113 section 3.4)...
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// ... and the head of the settings that follow.
pub(super) const GREETING_BYTES: usize = PREFACE.len() + 9;
