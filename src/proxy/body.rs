//! The body of an answer on its way to the client: here already, or still coming.

use super::coded::Coded;
use super::tunnel::Tunnel;
use crate::encoding::Encoder;
use crate::headers;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use thiserror::Error;
use tokio::sync::mpsc;

/// Whole in memory, streamed from the task that talks to the application, or one of both that is
/// compressed on its way. Or none, because HTTP ends with the head.
pub enum Body {
    Whole(Bytes),
    Streamed(Streamed),
    Coded(Box<Coded>),
    Tunnel(Box<Tunnel>),
}

/// Frames that came with the head, then those that follow.
pub struct Streamed {
    first: VecDeque<Frame<Bytes>>,
    /// None: there are no more.
    rest: Option<mpsc::Receiver<Piece>>,
    length: Option<u64>,
}

/// What the task says. Silence at the end (a sender that is gone without `End`) is a break.
pub(super) enum Piece {
    Frame(Frame<Bytes>),
    End,
}

/// The answer broke off: the client's connection is cut, never ended as if it were whole.
#[derive(Debug, Error)]
#[error("the application broke off its answer")]
pub struct Cut;

impl Body {
    pub(super) fn streamed(
        first: VecDeque<Frame<Bytes>>,
        rest: Option<mpsc::Receiver<Piece>>,
        length: Option<u64>,
    ) -> Self {
        Self::Streamed(Streamed { first, rest, length })
    }

    pub(super) fn coded(source: Body, encoder: Encoder) -> Self {
        Self::Coded(Box::new(Coded::new(source, encoder)))
    }

    /// What follows the head of a 101; nothing is left then.
    pub fn take_tunnel(&mut self) -> Option<Tunnel> {
        if !matches!(self, Self::Tunnel(_)) {
            return None;
        }
        match std::mem::replace(self, Self::Whole(Bytes::new())) {
            Self::Tunnel(tunnel) => Some(*tunnel),
            _ => None,
        }
    }

    /// How long it is, if that is known: told by its head, or because all of it is here.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Streamed(Streamed { length: Some(length), .. }) => Some(*length),
            Self::Streamed(Streamed { first, rest: None, .. }) => {
                let data = first.iter().filter_map(Frame::data_ref);
                Some(data.map(|data| data.len() as u64).sum())
            }
            Self::Streamed(_) | Self::Coded(_) | Self::Tunnel(_) => None,
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Streamed(streamed) => streamed.poll_frame(cx),
            Self::Coded(coded) => coded.poll_frame(cx),
            Self::Tunnel(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Streamed(Streamed { length: Some(length), .. }) => SizeHint::with_exact(*length),
            Self::Streamed(_) | Self::Coded(_) | Self::Tunnel(_) => SizeHint::default(),
        }
    }
}

impl Streamed {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(frame) = self.first.pop_front() {
            return Poll::Ready(Some(Ok(fit(frame))));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        Poll::Ready(match ready!(rest.poll_recv(cx)) {
            Some(Piece::Frame(frame)) => Some(Ok(fit(frame))),
            Some(Piece::End) => None,
            None => Some(Err(Cut)),
        })
    }
}

/// Trailers are fields of the answer, and not all of them are for its visitor.
fn fit(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        headers::cut_trailers(trailers);
    }
    frame
}
