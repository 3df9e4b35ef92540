//! What the bytes travel on: a socket of either kind, or TLS over one. Which, is one comparison a
//! call.

use super::tls::Secured;
use crate::streams::{Batched, has_read, is_the_stream_inside};
use tokio::net::UnixStream;

pub(super) enum Stream {
    Tcp(Batched),
    Unix(UnixStream),
    /// A session is a kilobyte, and few have one.
    Tls(Box<Secured>),
}

impl Stream {
    /// True if a byte waits to be read now.
    pub(super) fn has_more(&mut self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.with(|stream| matches!(stream.try_read(&mut [0]), Ok(1))),
            Stream::Unix(stream) => matches!(stream.try_read(&mut [0]), Ok(1)),
            Stream::Tls(stream) => stream.has_more(),
        }
    }
}

// With TLS one record for all slices of a write, and not one a slice: `Secured` takes them one by one.
is_the_stream_inside!(Stream: Tcp, Unix, Tls => has_read);
