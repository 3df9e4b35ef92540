//! `limit.body`: how long a request's body may be.
//!
//! One that says its length is turned away at the door. One that does not is counted on its way, and
//! ends with an error where it passes the limit: the application sees a request that breaks off,
//! never one that looks whole, and the visitor gets 413 if he has not been told anything else.

use super::served::Refusal;
use crate::upstream::RequestBody;
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use thiserror::Error;

/// Turns away a body that says it is longer than `limit` bytes; zero is no limit.
pub(super) fn admit(body: &RequestBody, limit: u64) -> Result<(), Refusal> {
    if limit > 0 && body.size_hint().lower() > limit { Err(too_long()) } else { Ok(()) }
}

/// The body, which ends with an error where it passes the limit, and the way to know whether it did.
pub(super) fn at_most(body: RequestBody, limit: u64) -> (RequestBody, Passed) {
    if limit == 0 || body.size_hint().exact().is_some() {
        return (body, Passed(None));
    }
    let passed = Arc::new(AtomicBool::new(false));
    let bounded = Bounded { body, left: limit, passed: Arc::clone(&passed) };
    (RequestBody::client(bounded), Passed(Some(passed)))
}

pub(super) fn too_long() -> Refusal {
    Refusal::door(StatusCode::PAYLOAD_TOO_LARGE, "body-too-long")
}

/// Whether a body has passed the limit. None: it cannot.
pub(super) struct Passed(Option<Arc<AtomicBool>>);

impl Passed {
    pub(super) fn is_so(&self) -> bool {
        self.0.as_ref().is_some_and(|passed| passed.load(Ordering::Relaxed))
    }
}

struct Bounded {
    body: RequestBody,
    left: u64,
    passed: Arc<AtomicBool>,
}

#[derive(Debug, Error)]
#[error("the body of the request is longer than limit.body")]
struct TooLong;

impl Body for Bounded {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(data)) = frame.as_ref().map(|it| it.as_ref().map(Frame::data_ref)) {
            let length = data.map_or(0, Bytes::len) as u64;
            let Some(left) = self.left.checked_sub(length) else {
                self.passed.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(TooLong.into())));
            };
            self.left = left;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::collections::VecDeque;
    use std::convert::Infallible;

    /// How many bytes come through in these pieces, and whether the limit was passed.
    fn through(pieces: &[usize], limit: u64) -> (Option<usize>, bool) {
        let pieces = Pieces(pieces.iter().copied().collect());
        let (body, passed) = at_most(RequestBody::client(pieces), limit);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let all = runtime.block_on(body.collect());
        (all.ok().map(|all| all.to_bytes().len()), passed.is_so())
    }

    struct Pieces(VecDeque<usize>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|size| Ok(Frame::data(vec![b'x'; size].into()))))
        }
    }

    #[test]
    fn what_is_longer_than_the_limit_is_never_whole() {
        assert_eq!(through(&[4, 6], 10), (Some(10), false));
        assert_eq!(through(&[4, 7], 10), (None, true));
        assert_eq!(through(&[11], 10), (None, true));
        assert_eq!(through(&[4, 7], 0), (Some(11), false));
    }
}
