//! The socket under hyper, and the two things about it that hyper does not tell: whether a byte
//! of an answer was heard (a request may be sent again only if not), and whether an upload moves.

use super::stream::Stream;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket that notes its traffic.
pub(super) struct Wire {
    stream: Stream,
    traffic: Arc<Traffic>,
}

/// What has passed. Shared, because hyper owns the socket; relaxed, because one task at a time
/// drives a connection.
#[derive(Default)]
pub(super) struct Traffic {
    heard: AtomicBool,
    writes: AtomicU64,
    client_awaited: AtomicBool,
}

impl Wire {
    pub(super) fn new(stream: Stream, traffic: Arc<Traffic>) -> Self {
        Self { stream, traffic }
    }

    /// True if a byte waits to be read now.
    pub(super) fn has_more(&mut self) -> bool {
        self.stream.has_more()
    }
}

impl Traffic {
    /// From now on only new bytes count as heard.
    pub(super) fn listen(&self) {
        self.heard.store(false, Ordering::Relaxed);
    }

    pub(super) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// How often the socket took bytes.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// The client's body was asked for its next frame, and has none yet.
    pub(super) fn await_client(&self, awaited: bool) {
        self.client_awaited.store(awaited, Ordering::Relaxed);
    }

    /// It is the client's turn, not the application's.
    pub(super) fn is_client_awaited(&self) -> bool {
        self.client_awaited.load(Ordering::Relaxed)
    }

    fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.traffic.heard.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.traffic.wrote();
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.traffic.wrote();
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
