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
    /// The source broke: said when what came before is out.
    broken: bool,
    /// Others of this thread are to have a turn before the next piece.
    owes_a_turn: bool,
}

impl Coded {
    pub(super) fn new(source: Body, encoder: Encoder) -> Self {
        let input = Bytes::new();
        let (trailers, ended, broken, owes_a_turn) = (None, false, false, false);
        Self { source, input, encoder, inside: 0, trailers, ended, broken, owes_a_turn }
    }

    /// Flushed when the application pauses, and after so many bytes; finished at its end. A break
    /// stays one.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if std::mem::take(&mut self.owes_a_turn) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while !self.ended {
            if self.broken {
                return Poll::Ready(Some(Err(Cut)));
            }
            if let Some(full) = self.feed() {
                self.owes_a_turn = true;
                return Poll::Ready(Some(full));
            }
            match Pin::new(&mut self.source).poll_frame(cx) {
                Poll::Pending if self.inside > 0 => return Poll::Ready(Some(self.flush())),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(_))) if self.inside > 0 => {
                    self.broken = true;
                    return Poll::Ready(Some(self.flush()));
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Coding, decode};
    use crate::proxy::body::Piece;
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt;
    use std::collections::VecDeque;
    use tokio::sync::mpsc;

    fn coded(first: VecDeque<Frame<Bytes>>, rest: mpsc::Receiver<Piece>) -> Body {
        // Another test may have all the places for a moment.
        let mut tries = std::iter::repeat_with(|| Encoder::begin(Coding::Gzip));
        let encoder = tries.find_map(|encoder| encoder).expect("a free place");
        Body::coded(Body::streamed(first, Some(rest), None), encoder)
    }

    #[tokio::test]
    async fn trailers_follow_the_end_of_the_compressed_body() {
        let (pieces, rest) = mpsc::channel(4);
        let first = VecDeque::from([Frame::data(Bytes::from_static(b"one, "))]);
        let trailers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-sum"),
            HeaderValue::from_static("6"),
        )]);
        for frame in [Frame::data(Bytes::from_static(b"two")), Frame::trailers(trailers.clone())] {
            assert!(pieces.send(Piece::Frame(frame)).await.is_ok());
        }
        assert!(pieces.send(Piece::End).await.is_ok());
        let all = coded(first, rest).collect().await.expect("whole");
        assert_eq!(all.trailers(), Some(&trailers));
        assert_eq!(decode("gzip", &all.to_bytes(), 100).unwrap(), "one, two");
    }

    #[tokio::test]
    async fn a_long_piece_is_sent_in_parts() {
        let (pieces, rest) = mpsc::channel(1);
        let noise: Bytes = (0..5 * PIECE_BYTES).map(|_| fastrand::u8(..)).collect();
        let mut body = coded(VecDeque::from([Frame::data(noise.clone())]), rest);
        let mut sent = Vec::new();
        while sent.len() < noise.len() {
            let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(data.len() < 2 * PIECE_BYTES);
            sent.extend(data);
        }
        assert!(
            pieces.send(Piece::Frame(Frame::data(Bytes::from_static(b"the rest")))).await.is_ok()
        );
        drop(pieces);
        let last = body.frame().await.unwrap().unwrap();
        assert!(last.is_data(), "what came before the break is given");
        assert!(body.frame().await.unwrap().is_err(), "the sender is gone without an end");
    }
}
