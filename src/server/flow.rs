//! The two bodies of an HTTP/2 request, and the clocks that a socket cannot keep for one stream
//! among many.

use super::io::Phase;
use super::silence::Silence;
use crate::meter::Tally;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::cell::Cell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// Why a client's body broke off.
type ClientError = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    /// Since when this stream has something to send that the client gives no window for. hyper asks
    /// a body for its next frame when the one before has found its place, and not before: that it
    /// does not ask is all there is to see.
    static OFFERED: Cell<Option<Instant>>;
}

/// The client took nothing of this stream for too long.
pub(super) struct Stalled;

/// Drives a stream until it ends or stalls.
pub(super) async fn paced(
    stream: impl Future<Output = ()>,
    limit: Duration,
) -> Result<(), Stalled> {
    let watched = async {
        let (mut stream, mut silence) = (pin!(stream), Silence::default());
        poll_fn(|cx| {
            if stream.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            match OFFERED.with(Cell::get) {
                Some(since) if !limit.is_zero() => {
                    silence.begin_again(since);
                    silence.poll(cx, Phase::Answer, limit, Some(since)).map(|()| Err(Stalled))
                }
                _ => {
                    silence.end();
                    Poll::Pending
                }
            }
        })
        .await
    };
    OFFERED.scope(Cell::new(None), watched).await
}

/// Told of how an answer ends.
pub(super) trait Under {
    /// By no wish of the client.
    fn done(&mut self);
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

    fn piece(&mut self, mut data: Bytes) -> Frame<Bytes> {
        self.rest = data.split_off(data.len().min(PIECE_BYTES));
        OFFERED.try_with(|offered| offered.set(Some(Instant::now()))).unwrap_or_default();
        if self.is_end_stream() {
            self.under.done();
        }
        Frame::data(data)
    }
}

impl<B: Body<Data = Bytes> + Unpin, U: Under + Unpin> Body for Paced<B, U> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        OFFERED.try_with(|offered| offered.set(None)).unwrap_or_default();
        if !this.rest.is_empty() {
            let rest = std::mem::take(&mut this.rest);
            return Poll::Ready(Some(Ok(this.piece(rest))));
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(match frame.into_data() {
                Ok(data) => this.piece(data),
                Err(trailers) => {
                    this.under.done();
                    trailers
                }
            })),
            ended => {
                this.under.done();
                ended
            }
        })
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
}

impl<B> Arriving<B> {
    /// After a silence of `limit` (zero is none) it breaks off, and `late` is true.
    pub(super) fn new(body: B, limit: Duration, late: Arc<AtomicBool>, front: Arc<Tally>) -> Self {
        Self { body, limit, silence: Silence::default(), late, front }
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

/// The counter's word, as for a socket.
pub(super) const STALLED: &str = "write-timeout";
/// Of a body, what waits for one client at one time.
pub(super) const PIECE_BYTES: usize = 32 << 10;
