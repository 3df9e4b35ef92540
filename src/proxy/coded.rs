//! A body that is compressed while it is sent. No byte waits for one that is not there yet.

use super::body::{Body, Cut};
use crate::encoding::Encoder;
use bytes::Bytes;
use http_body::{Body as _, Frame};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

pub struct Coded {
    source: Body,
    /// What the source gave and the encoder has not got yet.
    input: Bytes,
    encoder: Encoder,
    /// How much the encoder got since it was flushed.
    inside: usize,
    /// What comes after the data.
    trailers: Option<Frame<Bytes>>,
    ended: bool,
}

impl Coded {
    pub(super) fn new(source: Body, encoder: Encoder) -> Self {
        let input = Bytes::new();
        Self { source, input, encoder, inside: 0, trailers: None, ended: false }
    }

    /// Flushed when the application pauses, and after so many bytes; finished at its end. A break
    /// stays one.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        while !self.ended {
            if let Some(full) = self.feed() {
                return Poll::Ready(Some(full));
            }
            match Pin::new(&mut self.source).poll_frame(cx) {
                Poll::Pending if self.inside > 0 => return Poll::Ready(Some(self.flush())),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(cut))) => return Poll::Ready(Some(Err(cut))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.input = data,
                    Err(trailers) => self.trailers = Some(trailers),
                },
                Poll::Ready(None) => {
                    self.ended = true;
                    return Poll::Ready(Some(framed(self.encoder.finish())));
                }
            }
        }
        Poll::Ready(self.trailers.take().map(Ok))
    }

    /// Gives the encoder what there is, piece by piece; a frame when it has got enough.
    fn feed(&mut self) -> Option<Result<Frame<Bytes>, Cut>> {
        while !self.input.is_empty() {
            if self.inside >= PIECE_BYTES {
                return Some(self.flush());
            }
            let piece = self.input.split_to(self.input.len().min(PIECE_BYTES - self.inside));
            self.inside += piece.len();
            if self.encoder.write(&piece).is_err() {
                return Some(Err(Cut));
            }
        }
        None
    }

    fn flush(&mut self) -> Result<Frame<Bytes>, Cut> {
        self.inside = 0;
        framed(self.encoder.flush())
    }
}

fn framed(encoded: io::Result<Bytes>) -> Result<Frame<Bytes>, Cut> {
    encoded.map(Frame::data).map_err(|_| Cut)
}

/// What is compressed at a time, bytes: so long no other visitor of this thread gets a turn.
pub(super) const PIECE_BYTES: usize = 64 * 1024;
