//! What a client's bytes come through: a socket, or TLS on one. An enum, so that HTTP without TLS
//! pays for the choice with a comparison and not with a call through a table.

use super::plain::Plain;
use crate::streams::is_the_stream_inside;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

pub(super) enum Stream {
    Plain(Plain),
    /// Boxed: it is some hundred times as large, and the other is to stay small.
    Tls(Box<TlsStream<Counted>>),
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Stream {
    /// What ALPN agreed on (RFC 7301); None where nothing could be agreed on.
    pub(super) fn agreed(&self) -> Option<Protocol> {
        let Self::Tls(tls) = self else { return None };
        let is_http2 = tls.get_ref().1.alpn_protocol() == Some(HTTP2);
        Some(if is_http2 { Protocol::Http2 } else { Protocol::Http1 })
    }

    /// Looks at the bytes that have come, and leaves them. Nobody asks this of TLS.
    pub(super) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_peek(cx, buf),
            Self::Tls(_) => Poll::Ready(Ok(())),
        }
    }

    /// Makes the coming close a reset.
    pub(super) fn reset(&self) {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => &tls.get_ref().0.stream,
        };
        socket.close_by_reset();
    }

    /// Grows while TLS hands over what it took before: a write or flush that is pending may move
    /// all the same. Without TLS what is held in between is small, and is not seen moving.
    pub(super) fn written(&self) -> u64 {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(tls) => tls.get_ref().0.written,
        }
    }
}

is_the_stream_inside!(Stream: Plain, Tls);

/// The socket under TLS, and how many bytes it took.
pub(super) struct Counted {
    stream: Plain,
    written: u64,
}

impl Counted {
    pub(super) fn new(stream: Plain) -> Self {
        Self { stream, written: 0 }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.written += taken as u64;
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.written += taken as u64;
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

/// Its name in ALPN (RFC 9113 section 3.1).
pub(super) const HTTP2: &[u8] = b"h2";
