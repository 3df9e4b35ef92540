//! The client's socket with a clock on it.
//!
//! hyper knows one timeout in front, for a request's head, and closes without a word. Here the
//! socket itself tells four silences apart: idle between requests (closed without an answer), a
//! head that does not come to its end (408), a body that stops (408), a client that takes nothing
//! of its answer (closed). Each bounds silence, so a slow client that moves is never cut; only a
//! head must be whole within one time, or a byte every few seconds would hold a connection for
//! ever. In HTTP/2 the socket knows the client's greeting alone, and a write that goes nowhere; what
//! else a connection with many answers at one time needs is in `http2`.

mod phases;
mod protocol;

pub(super) use phases::{Before, Phase, Phases};

use super::Settings;
use super::line_ends::{Bare, LineEnds};
use super::linger::linger_on;
use super::silence::Silence;
use super::stream::Stream;
use crate::meter::Tally;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop;
use tokio::time::Instant;

pub(super) struct Socket {
    stream: Stream,
    phases: Phases,
    read: Silence,
    write: Silence,
    limits: Limits,
    /// Counts the silences that were too long.
    front: Arc<Tally>,
    speaks: Speaks,
    /// The client has yet to take something.
    writing: bool,
    /// A silence was too long: nothing more is said, for the last word has been.
    over: bool,
    /// Bytes of the preface that were taken to know the protocol, and not yet handed on.
    held: &'static [u8],
    /// What TLS had sent when it was last looked at.
    moved: u64,
}

/// What the client speaks, and what the socket knows of that. HTTP/1 until it is known better.
enum Speaks {
    Http1(Http1),
    Http2(Http2),
}

#[derive(Default)]
struct Http1 {
    /// Bytes of an answer have gone out since the last request began.
    answering: bool,
    /// When the client last took something.
    wrote_at: Option<Instant>,
    lines: LineEnds,
}

struct Http2 {
    /// How many bytes it has sent, as long as it has not said enough.
    greeting: usize,
    /// When it last sent something.
    heard_at: Instant,
}

struct Limits {
    idle: Duration,
    head: Duration,
    read: Duration,
    write: Duration,
}

impl Socket {
    pub(super) fn new(
        stream: Stream,
        phases: Phases,
        settings: &Settings,
        front: Arc<Tally>,
    ) -> Self {
        let limits = Limits {
            idle: settings.idle,
            head: settings.head,
            read: settings.read,
            write: settings.write,
        };
        Self {
            stream,
            phases,
            read: Silence::default(),
            write: Silence::default(),
            limits,
            front,
            speaks: Speaks::Http1(Http1::default()),
            writing: false,
            over: false,
            held: &[],
            moved: 0,
        }
    }

    /// Makes the coming close a reset, so that nobody takes what was sent for the whole.
    pub(super) fn reset(&self) {
        self.stream.reset();
    }

    pub(super) fn into_inner(self) -> Stream {
        self.stream
    }

    /// HTTP is over on this connection.
    pub(super) fn become_tunnel(&mut self) {
        self.phases.enter(Phase::Tunnel);
        self.read = Silence::default();
    }

    /// The end of an HTTP/2 connection: see [`linger_on`].
    pub(super) async fn linger_on(self, silence: Duration) {
        if let Speaks::Http2(Http2 { heard_at, .. }) = self.speaks {
            linger_on(self.stream, silence, heard_at).await;
        }
    }

    fn note_read(&mut self, bytes: &[u8]) {
        let Self { speaks, phases, read, .. } = self;
        match speaks {
            Speaks::Http1(http1) => http1.note_read(bytes, phases, read),
            Speaks::Http2(http2) => http2.note_read(bytes, phases, read),
        }
    }

    fn read_limit(&self, phase: Phase) -> Option<Duration> {
        let limit = match phase {
            // The answer before is still leaving: that is `write`'s affair.
            Phase::Idle if self.writing => Duration::ZERO,
            Phase::Idle if matches!(self.speaks, Speaks::Http2(_)) => Duration::ZERO,
            Phase::Idle => self.limits.idle,
            Phase::Head => self.limits.head,
            Phase::Body => self.limits.read,
            Phase::Answer | Phase::Tunnel => Duration::ZERO,
        };
        (!limit.is_zero()).then_some(limit)
    }

    fn poll_read_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.phases.get();
        let Some(limit) = self.read_limit(phase) else {
            self.expect_idleness(cx, phase);
            return Poll::Pending;
        };
        let began = match &self.speaks {
            // An idle connection is so since the last byte of its answer has left.
            Speaks::Http1(http1) if phase == Phase::Idle => http1.wrote_at,
            _ => None,
        };
        ready!(self.read.poll(cx, phase, limit, began));
        self.front.up(phase.silence());
        if phase != Phase::Idle && matches!(&self.speaks, Speaks::Http1(it) if !it.answering) {
            // Best effort: who sends nothing may not read either.
            let _ = Pin::new(&mut self.stream).poll_write(cx, REQUEST_TIMEOUT);
            let _ = Pin::new(&mut self.stream).poll_flush(cx);
        }
        self.over = true;
        Poll::Ready(Err(TIMED_OUT.into()))
    }

    /// hyper does not ask again when the answer has left and the connection becomes idle.
    fn expect_idleness(&mut self, cx: &mut Context<'_>, phase: Phase) {
        match (&self.speaks, self.limits.idle) {
            (Speaks::Http2(_), _) => {}
            _ if phase == Phase::Tunnel => {}
            (_, Duration::ZERO) => self.read.end(),
            (_, idle) => self.read.expect(cx, idle),
        }
    }

    fn begin_answer(&mut self) -> io::Result<()> {
        if let Speaks::Http1(http1) = &mut self.speaks {
            http1.answering = true;
        }
        if self.over { Err(TIMED_OUT.into()) } else { Ok(()) }
    }

    fn set_writing(&mut self, writing: bool) {
        self.writing = writing;
        if let Speaks::Http2(_) = self.speaks {
            self.phases.block(writing);
        }
    }

    fn poll_write_silence(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let is_blind = written.is_pending() && !coop::has_budget_remaining();
        if is_blind && !self.writing {
            // Nobody knows whether it would have been taken. The task has another turn.
            return Poll::Pending;
        }
        self.set_writing(written.is_pending());
        if let Poll::Ready(written) = written {
            self.write.end();
            self.note_written();
            return Poll::Ready(written);
        }
        let moved = self.stream.written();
        if moved != self.moved {
            self.moved = moved;
            self.write.end();
        }
        if self.limits.write.is_zero() {
            return Poll::Pending;
        }
        ready!(self.write.poll_though_busy(cx, Phase::Answer, self.limits.write));
        self.front.up(Phase::Answer.silence());
        Poll::Ready(Err(TIMED_OUT.into()))
    }

    /// hyper lets go of a body before the last of it is on the wire: while bytes leave, the connection
    /// is not idle.
    fn note_written(&mut self) {
        if let Speaks::Http1(http1) = &mut self.speaks {
            let now = Instant::now();
            http1.wrote_at = Some(now);
            self.read.begin_again(now);
        }
    }

    /// A flush or the end: what was taken before may be waiting for the client.
    fn poll_last_of_it(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        if done.is_pending() {
            return self.poll_write_silence(cx, Poll::Pending).map_ok(|_| ());
        }
        if self.writing {
            self.set_writing(false);
            self.write.end();
            self.note_written();
        }
        done
    }
}

impl Http1 {
    fn note_read(&mut self, bytes: &[u8], phases: &Phases, read: &mut Silence) {
        let phase = phases.get();
        if !bytes.is_empty() && matches!(phase, Phase::Idle | Phase::Answer) {
            self.leave_body_behind(phases);
        }
        if !bytes.is_empty() && phase == Phase::Idle {
            phases.enter(Phase::Head);
            self.answering = false;
            read.end();
            self.lines = LineEnds::default();
        }
        // What comes during an answer is the next request's.
        let is_head = matches!(phase, Phase::Idle | Phase::Head | Phase::Answer);
        if !is_head {
            self.lines.pass(bytes);
        } else {
            match self.lines.bare_lf(bytes) {
                Bare::Nowhere => {}
                Bare::InHead => phases.make_last(),
                // Another head, or its body: a connection is little to lose.
                Bare::Behind if phase == Phase::Answer => phases.make_last(),
                Bare::Behind => phases.doubt_what_follows(),
            }
        }
        if phases.get() != Phase::Head {
            read.end();
        }
    }

    /// A request may have begun in the reads of a body, where no line ends were looked at.
    fn leave_body_behind(&mut self, phases: &Phases) {
        if let Some(before) = phases.take_before() {
            if !self.lines.ended_with(before) {
                phases.make_last();
            }
            self.lines = LineEnds::default();
        }
    }
}

impl Http2 {
    fn note_read(&mut self, bytes: &[u8], phases: &Phases, read: &mut Silence) {
        self.heard_at = Instant::now();
        self.greeting = self.greeting.saturating_add(bytes.len());
        if self.greeting >= protocol::GREETING_BYTES && phases.get() == Phase::Head {
            phases.enter(Phase::Idle);
            read.end();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        if !this.held.is_empty() {
            let (next, rest) = this.held.split_at(this.held.len().min(buf.remaining()));
            buf.put_slice(next);
            this.held = rest;
            this.note_read(next);
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                this.note_read(&buf.filled()[before..]);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_read_silence(cx),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.begin_answer()?;
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.poll_write_silence(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.poll_last_of_it(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.poll_last_of_it(cx, shut)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.begin_answer()?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.poll_write_silence(cx, written)
    }
}

const TIMED_OUT: ErrorKind = ErrorKind::TimedOut;
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[cfg(test)]
mod tests;
