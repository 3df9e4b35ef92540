//! Small writes leave together, when the worker that made them has nothing else to do.
//!
//! A write wakes whoever reads at the other end, and waking a sleeper is the dearest part of a small
//! write. Written one by one, with the work for the next in between, each finds its reader asleep
//! again; sent in one go, the first wakes him and the others find him awake. So what a worker thread
//! writes in small pieces is held until it would go to sleep, and then sent. Who is alone waits for
//! nothing. Nobody waits for more than [`MOST_HELD`] others; and if these keep the worker for longer
//! than [`LONGEST`], one of its next [`STEPS_A_LOOK`] steps (`turn`) finds it out, and all is sent.
//!
//! A thread holds from its first [`send_held`] on: before that, and on threads that never call it,
//! nobody would send what was held.

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::SendFlags;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;

/// A TCP socket that takes small writes at once and sends them with those of others. A flush is told
/// that all is well until a batch finds that the peer does not take what was taken from him; then whoever
/// flushed last is woken, and has to flush again: that sends the rest, and waits for it.
/// The end of the stream waits in any case. Dropped, it still sends what the socket takes without waiting.
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
    /// Who flushed while something was held.
    owner: Option<Waker>,
    /// When the socket last took nothing.
    refused: Option<Instant>,
}

/// What became of the last batch.
enum Fate {
    Sent,
    /// The peer did not take all of it: the owner has to wait for that.
    Stuck,
    Failed(io::Error),
}

/// Sends what this thread holds if it has waited for long, `steps` of work after the last call.
pub(super) fn send_what_is_late(steps: usize) {
    if BATCH.with(|batch| batch.is_late(steps)) {
        send_held();
    }
}

/// Sends what this thread holds; meant for tokio's `on_thread_park`.
pub(crate) fn send_held() {
    BATCH.with(|batch| {
        batch.begun.set(true);
        batch.since.set(None);
        loop {
            // Neither borrowed nor locked while others are sent and woken.
            let Some(socket) = batch.sockets.borrow_mut().pop_front() else { return };
            let owner = socket.lock().send();
            if let Some(owner) = owner {
                owner.wake();
            }
        }
    });
}

impl Batched {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let (held, listed, fate) = (Vec::new(), false, Fate::Sent);
        let shared = Shared { stream, held, listed, fate, owner: None, refused: None };
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
                self.owner = None;
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
        if let Some(error) = self.failure() {
            return Poll::Ready(Err(error));
        }
        match self.fate {
            Fate::Stuck => self.poll_drain(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// To be told once.
    fn failure(&mut self) -> Option<io::Error> {
        match std::mem::replace(&mut self.fate, Fate::Sent) {
            Fate::Failed(error) => Some(error),
            other => {
                self.fate = other;
                None
            }
        }
    }

    /// To the socket itself.
    ///
    /// Once full, Linux calls it writable only when a third of its buffer is free again, which may be more
    /// than a megabyte. Whoever reads slowly takes long for that, and would look as if he took nothing. So
    /// who asks again after a while is not told what was said last: it is tried.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if sent.is_ready() {
            self.refused = None;
            return sent;
        }
        let now = Instant::now();
        let refused = *self.refused.get_or_insert(now);
        if now.duration_since(refused) < BELIEVED {
            return Poll::Pending;
        }
        let step = ready!(coop::poll_proceed(cx));
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let first = slices.iter().find(|slice| !slice.is_empty());
        match rustix::net::send(&self.stream, first.map_or(&[], |slice| &**slice), flags) {
            Err(Errno::AGAIN | Errno::INTR) => {
                self.refused = Some(now);
                Poll::Pending
            }
            // And the next is tried too, until there is no more room.
            sent => {
                step.made_progress();
                Poll::Ready(Ok(sent?))
            }
        }
    }

    /// Ready when nothing is held.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            let sent = self.poll_send(cx, &[IoSlice::new(&held)]);
            self.held = held;
            let sent = ready!(sent)?;
            if sent == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.held.drain(..sent);
        }
        self.held = Vec::new();
        self.owner = None;
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
        let mut shared = self.shared.lock();
        let before = buf.filled().len();
        ready!(Pin::new(&mut shared.stream).poll_read(cx, buf))?;
        if buf.filled().len() == before
            && let Some(error) = shared.failure()
        {
            // The system tells of it once, and then of a plain end.
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(()))
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
            return shared.poll_send(cx, slices);
        }
        for slice in slices {
            shared.held.extend_from_slice(slice);
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
        let mut shared = self.shared.lock();
        ready!(shared.poll_last(cx))?;
        if !shared.held.is_empty() {
            match &mut shared.owner {
                Some(owner) => owner.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        Poll::Ready(Ok(()))
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
    /// Since the last look at the clock.
    steps: Cell<usize>,
    sockets: RefCell<VecDeque<Arc<Mutex<Shared>>>>,
}

impl Batch {
    /// True if it is time to send.
    fn add(&self, socket: Arc<Mutex<Shared>>) -> bool {
        if self.since.get().is_none() {
            self.since.set(Some(Instant::now()));
        }
        let mut sockets = self.sockets.borrow_mut();
        sockets.push_back(socket);
        sockets.len() >= MOST_HELD
    }

    /// To look at the clock at every step would cost more than it brings.
    fn is_late(&self, steps: usize) -> bool {
        let steps = self.steps.get() + steps;
        let looks = steps >= STEPS_A_LOOK;
        self.steps.set(if looks { 0 } else { steps });
        looks && self.since.get().is_some_and(|since| since.elapsed() >= LONGEST)
    }
}

thread_local! {
    static BATCH: Batch = const {
        Batch {
            begun: Cell::new(false),
            since: Cell::new(None),
            steps: Cell::new(0),
            sockets: RefCell::new(VecDeque::new()),
        }
    };
}

/// Sockets that wait for one thread.
const MOST_HELD: usize = 32;
/// How long they wait if the thread finds no rest.
const LONGEST: Duration = Duration::from_millis(1);
const STEPS_A_LOOK: usize = 4;
/// How long a socket is believed that it is full.
const BELIEVED: Duration = Duration::from_millis(100);
/// What one socket holds, in bytes. Larger writes are sent at once, for to copy them would cost more
/// than it saves.
const MOST_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
