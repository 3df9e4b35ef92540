//! What was accepted: a connection over TCP, or over a unix socket.

use crate::streams::{Batched, has_read, is_the_stream_inside};
use rustix::net::{RecvFlags, recv};
use std::io;
use std::task::{Context, Poll, ready};
use tokio::io::{Interest, ReadBuf};
use tokio::net::UnixStream;

/// One client's bytes, both ways.
pub(super) enum Plain {
    Tcp(Batched),
    Unix(UnixStream),
}

impl Plain {
    /// Without it small answers wait for the client's acknowledgement; no harm if refused.
    pub(super) fn send_small_pieces_at_once(&self) {
        if let Self::Tcp(stream) = self {
            let _ = stream.with(|stream| stream.set_nodelay(true));
        }
    }

    /// Makes the coming close a reset. A unix socket knows none, its end is a plain one.
    pub(super) fn close_by_reset(&self) {
        if let Self::Tcp(stream) = self {
            // If it cannot be set, the peer is gone already.
            let _ = stream.with(|stream| stream.set_zero_linger());
        }
    }

    /// Looks at the bytes that have come, and leaves them.
    pub(super) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.with(|stream| stream.poll_peek(cx, buf)).map_ok(drop),
            Self::Unix(stream) => poll_peek(stream, cx, buf),
        }
    }
}

/// What tokio has for TCP alone.
fn poll_peek(
    stream: &UnixStream,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    loop {
        ready!(stream.poll_read_ready(cx))?;
        let peek = || Ok(recv(stream, buf.initialize_unfilled(), RecvFlags::PEEK)?.0);
        match stream.try_io(Interest::READABLE, peek) {
            Ok(seen) => {
                buf.advance(seen);
                return Poll::Ready(Ok(()));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

is_the_stream_inside!(Plain: Tcp, Unix => has_read);

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Write;
    use std::net;
    use std::os::unix;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;
    use tokio::task::coop;

    #[tokio::test]
    async fn what_a_read_brings_is_paid_for() {
        let (there, here) = unix::net::UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        let here = Plain::Unix(UnixStream::from_std(here).unwrap());
        assert_eq!(tokio::spawn(steps_left(there, here)).await.unwrap(), 128 - 1 - 16);

        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let there = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (here, _) = listener.accept().unwrap();
        here.set_nonblocking(true).unwrap();
        let here = Plain::Tcp(Batched::new(TcpStream::from_std(here).unwrap()));
        assert_eq!(tokio::spawn(steps_left(there, here)).await.unwrap(), 128 - 1 - 16);
    }

    /// Of a turn's, when 32 KiB have been read.
    async fn steps_left(mut there: impl Write, mut here: Plain) -> usize {
        let mut bytes = vec![0; 32 << 10];
        there.write_all(&bytes).unwrap();
        loop {
            let mut seen = ReadBuf::new(&mut bytes);
            poll_fn(|cx| here.poll_peek(cx, &mut seen)).await.unwrap();
            if seen.filled().len() == 32 << 10 {
                break;
            }
        }
        tokio::task::yield_now().await;
        here.read_exact(&mut bytes).await.unwrap();
        let mut left = 0;
        while coop::has_budget_remaining() {
            coop::consume_budget().await;
            left += 1;
        }
        left
    }
}
