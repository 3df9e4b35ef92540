//! A call that waits for its client is not work for the application, and holds no slot.
//!
//! A visitor who sends his body slowly, or reads his answer slowly, would otherwise take a place from
//! those who could be served at once; sixteen of them would take all there are at first. So a slot
//! goes back when its call has waited for the client for [`SLOT_TIME`] in all. When a body has come to
//! its end the application begins to work on it, and the call counts again, free slot or not: it is
//! inside already. As many calls as `gate.max` may be inside in this manner; what is more keeps its
//! slot.
//!
//! The price: an application that gives each call one of a few workers loses those to slow clients, as
//! it would without RETTER. Only a proxy that takes whole bodies before it sends them could keep them
//! free, and RETTER passes on what comes as it comes.

use super::errand::Errand;
use crate::clock::LazyTimer;
use crate::upstream::{Failure, Reply, RequestBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a call waits for its client, in all, before its slot is another's. In a second so many
/// slow calls pass the gate as ten gates have slots.
pub(super) const SLOT_TIME: Duration = Duration::from_millis(100);

impl Errand {
    /// Asks with a body that the client is still sending.
    pub(super) async fn ask_while_uploading(
        &mut self,
        body: RequestBody,
    ) -> Result<Reply, Failure> {
        let (body, mut pace) = Upload::of(body);
        // None from the beginning stays none.
        let Some(mut slot) = self.slot.take() else { return self.ask(body).await };
        let replied = {
            let mut reply = pin!(self.ask(body));
            loop {
                tokio::select! {
                    biased;
                    replied = reply.as_mut() => break replied,
                    Ok(()) = pace.changed() => match *pace.borrow_and_update() {
                        Pace::Moving => {}
                        Pace::WaitedFor => slot.step_out(),
                        Pace::Whole => slot.step_in(),
                    },
                }
            }
        };
        self.slot = Some(slot);
        replied
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Moving,
    /// The client has been waited for long enough.
    WaitedFor,
    /// All of the body is here.
    Whole,
}

/// A client's body that knows how long it was waited for.
struct Upload {
    body: RequestBody,
    pace: watch::Sender<Pace>,
    /// Of [`SLOT_TIME`].
    left: Duration,
    /// Since when it is waited for now.
    since: Option<Instant>,
    timer: LazyTimer,
}

impl Upload {
    fn of(body: RequestBody) -> (RequestBody, watch::Receiver<Pace>) {
        let (pace, seen) = watch::channel(Pace::Moving);
        let timer = LazyTimer::default();
        let upload = Self { body, pace, left: SLOT_TIME, since: None, timer };
        (RequestBody::client(upload), seen)
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if *self.pace.borrow() == Pace::Moving
            && self.timer.poll_until(since + self.left, cx).is_ready()
        {
            self.pace.send_replace(Pace::WaitedFor);
        }
    }

    /// By its length, if it has said one: nobody asks for its end then.
    fn is_whole(&self) -> bool {
        self.body.is_end_stream() || self.body.size_hint().exact() == Some(0)
    }

    fn moved(&mut self) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match &frame {
            Poll::Pending => self.poll_patience(cx),
            Poll::Ready(_) => self.moved(),
        }
        if matches!(frame, Poll::Ready(None)) || self.is_whole() {
            self.pace.send_replace(Pace::Whole);
        }
        frame
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

    /// One byte, as HTTP/2 brings it: the end comes later than the last byte.
    struct Late(Option<u64>);

    impl Body for Late {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match self.0 {
                Some(1) => {
                    self.0 = Some(0);
                    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
                }
                _ => Poll::Pending,
            }
        }

        fn is_end_stream(&self) -> bool {
            false
        }

        fn size_hint(&self) -> SizeHint {
            self.0.map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    #[tokio::test]
    async fn a_body_is_whole_with_its_last_byte() {
        let (mut body, pace) = Upload::of(RequestBody::client(Late(Some(1))));
        assert!(body.frame().await.is_some());
        assert!(*pace.borrow() == Pace::Whole);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_waited_for_so_long_in_all() {
        let (mut body, mut pace) = Upload::of(RequestBody::client(Late(None)));
        let began = Instant::now();
        tokio::select! {
            _ = body.frame() => unreachable!("nothing comes"),
            changed = pace.changed() => changed.expect("it is there"),
        }
        assert!(*pace.borrow() == Pace::WaitedFor && began.elapsed() >= SLOT_TIME);
    }
}
