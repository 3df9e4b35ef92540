//! The two bodies of an HTTP/2 request: the client's with a clock that a socket cannot keep for one
//! stream among many, and the answer's in pieces that are counted until they are written.

use super::io::Phase;
use super::owed::{Owed, Piece};
use super::silence::Silence;
use crate::meter::Tally;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Why a client's body broke off.
type ClientError = Box<dyn std::error::Error + Send + Sync>;

/// Told of how an answer ends.
pub(super) trait Under {
    /// By no wish of the client.
    fn done(&mut self);

    fn owed(&self) -> &Owed;
}

/// An answer's body, in pieces that are small enough to wait in numbers.
pub(super) struct Paced<B, U> {
    body: B,
    /// Of a frame that was larger than a piece.
    rest: Bytes,
    bodiless: bool,
    under: U,
}

impl<B: Body<Data = Bytes> + Unpin, U: Under + Unpin> Paced<B, U> {
    /// `bodiless`: nothing of it is sent. An HTTP/1 connection sees to that itself.
    pub(super) fn new(body: B, bodiless: bool, mut under: U) -> Self {
        if bodiless || body.is_end_stream() {
            under.done();
        }
        Self { body, rest: Bytes::new(), bodiless, under }
    }

    fn piece(&mut self, mut data: Bytes) -> Frame<Piece> {
        self.rest = data.split_off(data.len().min(PIECE_BYTES));
        if self.is_end_stream() {
            self.under.done();
        }
        Frame::data(self.under.owed().piece(data))
    }
}

impl<B: Body<Data = Bytes> + Unpin, U: Under + Unpin> Body for Paced<B, U> {
    type Data = Piece;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, B::Error>>> {
        let this = &mut *self;
        if !this.rest.is_empty() {
            let rest = std::mem::take(&mut this.rest);
            return Poll::Ready(Some(Ok(this.piece(rest))));
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let frame = frame.transpose().inspect_err(|_| this.under.done())?;
        let Some(frame) = frame else {
            this.under.done();
            return Poll::Ready(None);
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => this.piece(data),
            Err(other) => {
                this.under.done();
                // No data, so there is nothing to make a piece of.
                other.map_data(|data| this.under.owed().piece(data))
            }
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.bodiless || (self.rest.is_empty() && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body, which must not fall silent.
pub(super) struct Arriving<B> {
    body: B,
    limit: Duration,
    silence: Silence,
    late: Arc<AtomicBool>,
    front: Arc<Tally>,
    /// Of the same connection: who sends is there.
    owed: Owed,
}

impl<B> Arriving<B> {
    /// After a silence of `limit` (zero is none) it breaks off, and `late` is true.
    pub(super) fn new(
        body: B,
        limit: Duration,
        late: Arc<AtomicBool>,
        front: Arc<Tally>,
        owed: Owed,
    ) -> Self {
        Self { body, limit, silence: Silence::default(), late, front, owed }
    }
}

impl<B> Body for Arriving<B>
where
    B: Body<Data = Bytes, Error: Into<ClientError>> + Unpin,
{
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.silence.end();
            this.owed.hear();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if this.limit.is_zero() {
            return Poll::Pending;
        }
        ready!(this.silence.poll(cx, Phase::Body, this.limit, None));
        this.late.store(true, Ordering::Relaxed);
        this.front.up("read-timeout");
        Poll::Ready(Some(Err(std::io::Error::from(ErrorKind::TimedOut).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Of a body, what waits for one client at one time: as much as a frame holds, unless the client allows
/// more.
pub(super) const PIECE_BYTES: usize = 16 << 10;
