//! What fuzzing looks at behind this room's door.

use super::line_ends::{Bare, LineEnds};
use super::proxied::{self, Whose};
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, ReadBuf};

/// Whose a connection is by its PROXY protocol header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Unheaded,
    Proxy,
    Nameless,
    Named(IpAddr),
}

/// Reads the header of a connection that begins with `bytes`, which come `piece` by `piece`; and how
/// many of them were read.
pub(crate) fn owner(bytes: &[u8], piece: usize) -> (Owner, usize) {
    let mut pieces = Pieces { left: bytes, piece };
    let read = {
        let mut reading = pin!(proxied::read(&mut pieces));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => unreachable!("bytes in memory never keep anybody waiting"),
        }
    };
    let owner = match read {
        Err(_) => Owner::Unheaded,
        Ok(Whose::Peers) => Owner::Proxy,
        Ok(Whose::Nobodys) => Owner::Nameless,
        Ok(Whose::Of(address)) => Owner::Named(address),
    };
    (owner, bytes.len() - pieces.left.len())
}

/// Whether a head that comes in these pieces has a bare LF, and whether what follows it has.
pub(crate) fn bare_lf(pieces: [&[u8]; 2]) -> (bool, bool) {
    let mut lines = LineEnds::default();
    let seen = pieces.map(|piece| lines.bare_lf(piece));
    (seen.contains(&Bare::InHead), seen.contains(&Bare::Behind))
}

struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.left.split_at(self.left.len().min(self.piece).min(buf.remaining()));
        buf.put_slice(now);
        self.left = later;
        Poll::Ready(Ok(()))
    }
}
