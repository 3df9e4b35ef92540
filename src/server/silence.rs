//! How long nothing has moved on a socket, in one direction.

use super::io::Phase;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// One silence being measured. The timer is made at the first one and reused; it is moved only
/// when it goes off early, so that a busy connection never touches the timer wheel.
#[derive(Default)]
pub(super) struct Silence {
    since: Option<(Phase, Instant)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    pub(super) fn end(&mut self) {
        self.since = None;
    }

    /// The silence so far does not count. What waits for its end need not ask again.
    pub(super) fn begin_again(&mut self) {
        if let Some((_, since)) = &mut self.since {
            *since = Instant::now();
        }
    }

    /// Ready when the silence, begun at the first call in this phase, has lasted for `limit`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, phase: Phase, limit: Duration) -> Poll<()> {
        let since = match self.since {
            Some((same, since)) if same == phase => since,
            _ => Instant::now(),
        };
        self.since = Some((phase, since));
        let end = since + limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() > end {
            timer.as_mut().reset(end);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}
