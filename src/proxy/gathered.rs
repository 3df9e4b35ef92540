//! The part of a body that goes to the visitor together with its head.

use super::body::Body;
use super::keep::Keep;
use crate::policy::Framing;
use bytes::Bytes;
use http_body::Frame;
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// Frames taken before the head has left.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) frames: VecDeque<Frame<Bytes>>,
    pub(super) ended: bool,
    bytes: u64,
}

impl Gathered {
    /// It is whole, or more than may wait.
    pub(super) fn is_done(&self) -> bool {
        self.ended || self.bytes > HELD_BYTES
    }

    /// Takes the next frame, or the end.
    pub(super) fn take(&mut self, next: Option<Frame<Bytes>>, keep: &mut Keep) {
        let Some(frame) = next else {
            self.ended = true;
            return;
        };
        keep.push(&frame);
        self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        self.frames.push_back(frame);
    }

    /// All of it, framed as it came.
    pub(super) fn whole(mut self, framing: Framing) -> Body {
        match (self.frames.len(), framing) {
            (0, Framing::Length(_)) => Body::Whole(Bytes::new()),
            (1, Framing::Length(_)) if self.frames[0].is_data() => {
                let data = self.frames.pop_front().and_then(|frame| frame.into_data().ok());
                Body::Whole(data.unwrap_or_default())
            }
            _ => Body::streamed(self.frames, None, framing.length()),
        }
    }

    /// The beginning of a body that will not come to its end.
    pub(super) fn broken(self, framing: Framing) -> Body {
        let (_, nothing_more) = mpsc::channel(1);
        Body::streamed(self.frames, Some(nothing_more), framing.length())
    }
}

/// Bodies up to this length are held back while a copy exists.
pub(super) const HELD_BYTES: u64 = 64 * 1024;
