//! The client's socket with a clock on it.
//!
//! hyper knows one timeout in front, for a request's head, and closes without a word. Here the
//! socket itself tells four silences apart: idle between requests (closed without an answer), a
//! head that does not come to its end (408), a body that stops (408), a client that takes nothing
//! of its answer (closed). Each bounds silence, so a slow client that moves is never cut; only a
//! head must be whole within one time, or a byte every few seconds would hold a connection for
//! ever. What of this an HTTP/2 connection needs besides is in `http2`.

mod phases;
mod protocol;

pub(super) use phases::{Phase, Phases};

use super::Settings;
use super::line_ends::LineEnds;
use super::silence::Silence;
use super::stream::Stream;
use crate::meter::Tally;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

pub(super) struct Socket {
    stream: Stream,
    phases: Phases,
    read: Silence,
    write: Silence,
    limits: Limits,
    /// Counts the silences that were too long.
    front: Arc<Tally>,
    /// Bytes of an answer have gone out since the last request began.
    answering: bool,
    /// The client has yet to take something.
    writing: bool,
    /// When it last took something.
    wrote_at: Option<Instant>,
    /// A silence was too long: nothing more is said, for the last word has been.
    over: bool,
    lines: LineEnds,
    /// Bytes of the preface that were taken to know the protocol, and not yet handed on.
    held: &'static [u8],
    /// How many bytes an HTTP/2 client has sent, as long as it has not said enough; None in HTTP/1.
    greeting: Option<usize>,
    /// What TLS had sent when it was last looked at.
    moved: u64,
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
            answering: false,
            writing: false,
            wrote_at: None,
            over: false,
            lines: LineEnds::default(),
            held: &[],
            greeting: None,
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

    fn note_read(&mut self, bytes: &[u8]) {
        if let Some(greeting) = &mut self.greeting {
            *greeting = greeting.saturating_add(bytes.len());
            if *greeting >= protocol::GREETING_BYTES && self.phases.get() == Phase::Head {
                self.phases.enter(Phase::Idle);
                self.read.end();
            }
            return;
        }
        if !bytes.is_empty() && self.phases.get() == Phase::Idle {
            self.phases.enter(Phase::Head);
            self.answering = false;
            self.read.end();
            self.lines = LineEnds::default();
        }
        // What comes during an answer is the next request's.
        let is_head = matches!(self.phases.get(), Phase::Head | Phase::Answer);
        if is_head && self.lines.has_bare_lf(bytes) {
            self.phases.make_last();
        }
        if self.phases.get() != Phase::Head {
            self.read.end();
        }
    }

    fn read_limit(&self) -> Option<Duration> {
        let limit = match self.phases.get() {
            // The answer before is still leaving: that is `write`'s affair.
            Phase::Idle | Phase::Farewell if self.writing => Duration::ZERO,
            Phase::Farewell => LAST_WORD,
            Phase::Idle => self.limits.idle,
            Phase::Head => self.limits.head,
            Phase::Body => self.limits.read,
            Phase::Answer | Phase::Tunnel => Duration::ZERO,
        };
        (!limit.is_zero()).then_some(limit)
    }

    fn poll_read_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.phases.get();
        let Some(limit) = self.read_limit() else {
            // hyper does not ask again when the answer has left and the connection becomes idle.
            match self.limits.idle {
                _ if phase == Phase::Tunnel => {}
                Duration::ZERO => self.read.end(),
                idle => self.read.expect(cx, idle),
            }
            return Poll::Pending;
        };
        // An idle connection is so since the last byte of its answer has left.
        let ended = self.greeting.and_then(|_| self.phases.streams_ended());
        let began = self.wrote_at.max(ended).filter(|_| phase == Phase::Idle);
        ready!(self.read.poll(cx, phase, limit, began));
        match phase {
            // Counted when it began.
            Phase::Farewell => {}
            Phase::Idle if self.greeting.is_some() => {
                self.front.up(phase.silence());
                self.phases.leave();
                return self.poll_read_silence(cx);
            }
            _ => self.front.up(phase.silence()),
        }
        if phase != Phase::Idle && !self.answering {
            // Best effort: who sends nothing may not read either.
            let _ = Pin::new(&mut self.stream).poll_write(cx, REQUEST_TIMEOUT);
            let _ = Pin::new(&mut self.stream).poll_flush(cx);
        }
        self.over = true;
        Poll::Ready(Err(TIMED_OUT.into()))
    }

    fn begin_answer(&mut self) -> io::Result<()> {
        self.answering = true;
        if self.over { Err(TIMED_OUT.into()) } else { Ok(()) }
    }

    fn poll_write_silence(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.writing = written.is_pending();
        if let Poll::Ready(written) = written {
            self.write.end();
            // Pings and the like are no answer that still leaves.
            let is_answer = written.as_ref().is_ok_and(|bytes| *bytes >= ANSWER_BYTES);
            if self.greeting.is_some() && !is_answer {
                return Poll::Ready(written);
            }
            // hyper lets go of a body before the last of it is on the wire: while bytes leave,
            // the connection is not idle.
            let now = Instant::now();
            self.wrote_at = Some(now);
            self.read.begin_again(now);
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
        ready!(self.write.poll(cx, Phase::Answer, self.limits.write, None));
        self.front.up(Phase::Answer.silence());
        Poll::Ready(Err(TIMED_OUT.into()))
    }

    /// A flush or the end: with TLS, what it has taken may be waiting for the client.
    fn poll_last_of_it(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        if done.is_pending() {
            return self.poll_write_silence(cx, Poll::Pending).map_ok(|_| ());
        }
        if self.writing {
            self.writing = false;
            self.write.end();
        }
        done
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

/// No write of only pings, settings and windows is usually that long.
const ANSWER_BYTES: usize = 64;
/// How long a client may take to agree that its HTTP/2 connection is at an end.
const LAST_WORD: Duration = Duration::from_secs(1);
const TIMED_OUT: ErrorKind = ErrorKind::TimedOut;
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
