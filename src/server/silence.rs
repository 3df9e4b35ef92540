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

    /// It began at `moment`. What waits for its end need not ask again.
    pub(super) fn begin_again(&mut self, moment: Instant) {
        if let Some((_, since)) = &mut self.since {
            *since = moment;
        }
    }

    /// There is no silence now, and nobody may ask when the next one begins: so somebody is woken
    /// to ask within `limit`. Costs a timer once in that time.
    pub(super) fn expect(&mut self, cx: &mut Context<'_>, limit: Duration) {
        self.end();
        if self.timer.as_ref().is_none_or(|timer| timer.is_elapsed()) {
            let mut timer = Box::pin(sleep_until(Instant::now() + limit));
            // Not over yet; from here on it wakes.
            let _ = timer.as_mut().poll(cx);
            self.timer = Some(timer);
        }
    }

    /// Ready when the silence has lasted for `limit`. It begins at `began`, or at the first call in
    /// this phase.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        limit: Duration,
        began: Option<Instant>,
    ) -> Poll<()> {
        let since = match self.since {
            Some((same, since)) if same == phase => since,
            _ => began.unwrap_or_else(Instant::now),
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
