//! A body that is still coming when its head has left.

use super::body::{Body, Piece};
use super::errand::{Answer, Errand};
use super::gatekeeper::Held;
use super::gathered::Gathered;
use super::keep::Keep;
use super::upload::SLOT_TIME;
use crate::clock::Now;
use crate::upstream::{Reply, ReplyBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, timeout, timeout_at};

impl Errand {
    /// The head goes now, and the body as it comes, from a task of its own.
    pub(super) fn stream(self, reply: Reply, gathered: Gathered, keep: Keep) -> Answer {
        let (pieces, rest) = mpsc::channel(PIECES_UNDER_WAY);
        let body = Body::streamed(gathered.frames, Some(rest), reply.framing.length());
        let fields = if keep.is_copying() { reply.head.headers.clone() } else { HeaderMap::new() };
        tokio::spawn(self.pump(reply.body, fields, pieces, keep));
        Answer { head: reply.head, body }
    }

    /// Streams the rest. The clock runs only while the application is awaited, never while the
    /// client is.
    async fn pump(
        mut self,
        mut body: ReplyBody,
        fields: HeaderMap,
        pieces: mpsc::Sender<Piece>,
        mut keep: Keep,
    ) {
        let mut patience = SLOT_TIME;
        loop {
            let next = tokio::select! {
                biased;
                () = pieces.closed() => return self.finish_alone(body, &fields, keep).await,
                next = async { self.watch(pin!(body.frame())).await } => next,
            };
            match next {
                Some(Ok(frame)) => {
                    keep.push(&frame);
                    self.hand_over(frame, &pieces, &mut keep, &mut patience).await;
                    self.let_others_try(&keep);
                }
                Some(Err(failure)) => return self.failed(failure),
                None => {
                    self.ended(keep, &fields, Now::read()).await;
                    let _ = pieces.send(Piece::End).await;
                    return;
                }
            }
        }
    }

    /// The client has left. The copy is still worth having if it comes soon; an answer without
    /// end must not hold a place in the application for nobody.
    async fn finish_alone(mut self, mut body: ReplyBody, fields: &HeaderMap, mut keep: Keep) {
        let deadline = Instant::now() + ALONE_TIME;
        while keep.is_copying() {
            let watched = async { self.watch(pin!(body.frame())).await };
            match timeout_at(deadline, watched).await {
                Ok(Some(Ok(frame))) => keep.push(&frame),
                Ok(Some(Err(failure))) => return self.failed(failure),
                Ok(None) => return self.ended(keep, fields, Now::read()).await,
                Err(_) => return,
            }
        }
    }

    /// One frame for the client. Who reads slowly is waited for, but not with a copy in hand, for the
    /// memory for copies in the making is everybody's, and when `patience` is over without a slot.
    async fn hand_over(
        &mut self,
        frame: Frame<Bytes>,
        pieces: &mpsc::Sender<Piece>,
        keep: &mut Keep,
        patience: &mut Duration,
    ) {
        let piece = match pieces.try_send(Piece::Frame(frame)) {
            Err(TrySendError::Full(piece)) => piece,
            // A client that left does not end a copy.
            Ok(()) | Err(TrySendError::Closed(_)) => return,
        };
        let (began, mut sent) = (Instant::now(), pin!(pieces.send(piece)));
        if self.slot.is_some() && timeout(*patience, sent.as_mut()).await.is_ok() {
            *patience = patience.saturating_sub(began.elapsed());
            return;
        }
        self.slot.iter_mut().for_each(Held::step_out);
        if keep.is_copying() && timeout_at(began + CLIENT_TIME, sent.as_mut()).await.is_ok() {
            return;
        }
        keep.give_up("slow-client");
        let _ = sent.await;
    }
}

/// How long, at a stretch, a copy in the making waits for a client that does not read.
const CLIENT_TIME: Duration = Duration::from_secs(1);

/// Frames between the application and a client that reads more slowly.
const PIECES_UNDER_WAY: usize = 4;

/// How long an answer may go on for its copy alone.
const ALONE_TIME: Duration = Duration::from_secs(5);
