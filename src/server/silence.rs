//! How long nothing has moved on a socket, in one direction.

use super::io::Phase;
use crate::clock::LazyTimer;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// One silence being measured. A connection is silent again and again, and busy in between.
#[derive(Default)]
pub(super) struct Silence {
    since: Option<(Phase, Instant)>,
    timer: LazyTimer,
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
    /// to ask within `limit`.
    pub(super) fn expect(&mut self, cx: &mut Context<'_>, limit: Duration) {
        self.end();
        self.timer.wake_within(limit, cx);
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
        let since = self.since(phase, began);
        self.timer.poll_until(since + limit, cx)
    }

    /// The same for a silence that who says much in the other direction does not break.
    pub(super) fn poll_though_busy(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        limit: Duration,
    ) -> Poll<()> {
        let since = self.since(phase, None);
        self.timer.poll_until_though_busy(since + limit, cx)
    }

    fn since(&mut self, phase: Phase, began: Option<Instant>) -> Instant {
        let since = match self.since {
            Some((same, since)) if same == phase => since,
            _ => began.unwrap_or_else(Instant::now),
        };
        self.since = Some((phase, since));
        since
    }
}
