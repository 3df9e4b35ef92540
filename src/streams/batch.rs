//! Small writes leave together, when the worker that made them has nothing else to do.
//!
//! A write wakes whoever reads at the other end, and waking a sleeper is the dearest part of a small
//! one. Written one by one, with the work for the next in between, each finds its reader asleep
//! again; sent in one go, the first wakes him and the others find him awake. So what a worker thread
//! writes in small pieces is held until it would go to sleep, and then sent. Who is alone waits for
//! nothing, and nobody for more than [`MOST_HELD`] others or [`LONGEST`], unless one of them keeps the
//! worker for longer.
//!
//! A thread holds from its first [`send_held`] on: before that, and on threads that never call it,
//! nobody would send what was held.

use parking_lot::Mutex;
use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP socket that takes small writes at once and sends them with those of others. A flush waits
/// for what it has taken only once a batch found that the peer does not take it, so that the wait is
/// seen and can be limited; the end of the stream waits always. Dropped, it still sends what the
/// socket takes without waiting.
pub(crate) struct Batched {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    stream: TcpStream,
    /// Taken, and not yet sent.
    held: Vec<u8>,
    /// Some thread's batch will send it.
    listed: bool,
    fate: Fate,
    /// Who wrote last.
    owner: Option<Waker>,
}

/// What became of the last batch.
enum Fate {
    Sent,
    /// The peer did not take all of it: the owner has to wait for that.
    Stuck,
    Failed(io::Error),
}

/// Sends what this thread holds; meant for tokio's `on_thread_park`.
pub(crate) fn send_held() {
    BATCH.with(|batch| {
        batch.begun.set(true);
        batch.since.set(None);
        let mut sockets = batch.sockets.take();
        for socket in sockets.drain(..) {
            let owner = socket.lock().send();
            if let Some(owner) = owner {
                owner.wake();
            }
        }
        batch.sockets.set(sockets);
    });
}

impl Batched {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let shared =
            Shared { stream, held: Vec::new(), listed: false, fate: Fate::Sent, owner: None };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// For whatever is no writing.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&TcpStream) -> T) -> T {
        ask(&self.shared.lock().stream)
    }
}

impl Shared {
    /// The owner, if it has to see to the rest.
    fn send(&mut self) -> Option<Waker> {
        self.listed = false;
        if self.held.is_empty() {
            return None;
        }
        match self.stream.try_write(&self.held) {
            Ok(sent) if sent == self.held.len() => {
                self.held = Vec::new();
                return None;
            }
            Ok(sent) => {
                self.held.drain(..sent);
                self.fate = Fate::Stuck;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.fate = Fate::Stuck,
            Err(error) => {
                self.held = Vec::new();
                self.fate = Fate::Failed(error);
            }
        }
        self.owner.take()
    }

    /// Ready unless a batch left something behind that the peer still does not take.
    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.fate {
            Fate::Sent => Poll::Ready(Ok(())),
            Fate::Stuck => self.poll_drain(cx),
            Fate::Failed(_) => match std::mem::replace(&mut self.fate, Fate::Sent) {
                Fate::Failed(error) => Poll::Ready(Err(error)),
                Fate::Sent | Fate::Stuck => Poll::Ready(Ok(())),
            },
        }
    }

    /// Ready when nothing is held.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.held))?;
            if sent == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.held.drain(..sent);
        }
        self.fate = Fate::Sent;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Batched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if BATCH.with(Batch::is_overdue) {
            send_held();
        }
        Pin::new(&mut self.shared.lock().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Batched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut shared = self.shared.lock();
        ready!(shared.poll_last(cx))?;
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let may_hold = shared.listed || BATCH.with(|batch| batch.begun.get());
        if !may_hold || shared.held.len() + length > MOST_BYTES {
            ready!(shared.poll_drain(cx))?;
            return Pin::new(&mut shared.stream).poll_write_vectored(cx, slices);
        }
        for slice in slices {
            shared.held.extend_from_slice(slice);
        }
        match &mut shared.owner {
            Some(owner) => owner.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        if !shared.listed {
            shared.listed = true;
            // It may be sent here and now, with the others.
            drop(shared);
            if BATCH.with(|batch| batch.add(Arc::clone(&self.shared))) {
                send_held();
            }
        }
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.lock().poll_last(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = self.shared.lock();
        ready!(shared.poll_last(cx))?;
        ready!(shared.poll_drain(cx))?;
        Pin::new(&mut shared.stream).poll_shutdown(cx)
    }
}

/// What one thread holds.
struct Batch {
    /// It sends what it holds.
    begun: Cell<bool>,
    /// When the first of these sockets was written to.
    since: Cell<Option<Instant>>,
    sockets: Cell<Vec<Arc<Mutex<Shared>>>>,
}

impl Batch {
    /// True if it is time to send.
    fn add(&self, socket: Arc<Mutex<Shared>>) -> bool {
        if self.since.get().is_none() {
            self.since.set(Some(Instant::now()));
        }
        let mut sockets = self.sockets.take();
        sockets.push(socket);
        let is_full = sockets.len() >= MOST_HELD;
        self.sockets.set(sockets);
        is_full || self.is_overdue()
    }

    fn is_overdue(&self) -> bool {
        self.since.get().is_some_and(|since| since.elapsed() >= LONGEST)
    }
}

thread_local! {
    static BATCH: Batch = const {
        Batch { begun: Cell::new(false), since: Cell::new(None), sockets: Cell::new(Vec::new()) }
    };
}

/// Sockets that wait for one thread.
const MOST_HELD: usize = 64;
/// How long they wait if the thread finds no rest.
const LONGEST: Duration = Duration::from_millis(1);
/// What one socket holds, in bytes. Larger writes are sent at once, for to copy them would cost more
/// than it saves.
const MOST_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
