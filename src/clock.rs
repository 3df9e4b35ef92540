//! The one clock: every part is given `now` from here, so that decisions can be tested without
//! waiting.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::{Sleep, sleep_until};

/// A moment on both clocks: `mono` for measuring (never jumps), `wall` for what is written down.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub mono: Instant,
    pub wall: UnixMillis,
}

impl Now {
    /// The present moment.
    pub fn read() -> Self {
        Self { mono: mono(), wall: UnixMillis::read() }
    }
}

/// Milliseconds since 1970-01-01 UTC by the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

/// The present moment for measuring alone, at half the price. tokio's clock, because its tests can
/// pause and advance it.
pub fn mono() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A timer for an end that is put off again and again. It is made when it is first waited for, and
/// moved on only when it goes off too early: who is busy never touches the runtime's wheel.
#[derive(Default)]
pub struct LazyTimer(Option<Pin<Box<Sleep>>>);

impl LazyTimer {
    /// Ready at `end`, by tokio's clock.
    pub fn poll_until(&mut self, end: tokio::time::Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() > end {
            timer.as_mut().reset(end);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if tokio::time::Instant::now() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }

    /// Somebody is woken within `limit`, whether or not anything is to end by then. Costs a timer once
    /// in that time.
    pub fn wake_within(&mut self, limit: Duration, cx: &mut Context<'_>) {
        if self.0.as_ref().is_none_or(|timer| timer.is_elapsed()) {
            if !tokio::task::coop::has_budget_remaining() {
                // It would not be entered into the runtime's wheel, and look as if it were.
                return cx.waker().wake_by_ref();
            }
            let mut timer = Box::pin(tokio::time::sleep(limit));
            // Not over yet; from here on it wakes.
            let _ = timer.as_mut().poll(cx);
            self.0 = Some(timer);
        }
    }
}

impl UnixMillis {
    /// The present moment, for those who write things down and measure nothing.
    pub fn read() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_millis() as u64)
    }

    /// Time from `earlier` until `self`; zero if the wall clock was set back in between.
    pub fn since(self, earlier: UnixMillis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
