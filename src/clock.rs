//! The one clock: every part is given `now` from here, so that decisions can be tested without
//! waiting.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

/// A moment on both clocks: `mono` for measuring (never jumps), `wall` for what is written down.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub mono: std::time::Instant,
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
pub fn mono() -> std::time::Instant {
    Instant::now().into_std()
}

/// A timer for an end that is put off again and again. It is made when it is first waited for, and
/// moved on only when it goes off too early: who is busy never touches the runtime's wheel.
#[derive(Default)]
pub struct LazyTimer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When it was last set, it was to go off within this.
    reach: Duration,
}

impl LazyTimer {
    /// Ready at `end`, by tokio's clock; once the task's budget is spent, only in its next turn. For what
    /// may have come in time is not seen with no budget left.
    pub fn poll_until(&mut self, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        // Costs nothing. Without a budget the task is woken when the runtime has looked at its sockets, and
        // not before, as by a waker.
        let _step = ready!(coop::poll_proceed(cx));
        self.poll_until_though_busy(end, cx)
    }

    /// The same in any turn: for an end that is not to be put off by who keeps the task busy.
    pub fn poll_until_though_busy(&mut self, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let reach = || end.saturating_duration_since(Instant::now());
        let sleep = match &mut self.sleep {
            Some(sleep) => sleep,
            none => {
                self.reach = reach();
                none.insert(Box::pin(sleep_until(end)))
            }
        };
        if sleep.deadline() > end {
            sleep.as_mut().reset(end);
        }
        while poll_though_busy(sleep, cx).is_ready() {
            self.reach = reach();
            if self.reach.is_zero() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(end);
        }
        Poll::Pending
    }

    /// Somebody is woken within `limit`, whether or not anything is to end by then. Costs a timer once
    /// in that time.
    pub fn wake_within(&mut self, limit: Duration, cx: &mut Context<'_>) {
        if self.reach > limit || self.sleep.as_ref().is_none_or(|sleep| sleep.is_elapsed()) {
            let mut sleep = Box::pin(tokio::time::sleep(limit));
            // Not over yet; from here on it wakes.
            let _ = poll_though_busy(&mut sleep, cx);
            *self = Self { sleep: Some(sleep), reach: limit };
        }
    }
}

/// With the task's budget spent, a timer neither goes off nor is entered into the runtime's wheel.
fn poll_though_busy(sleep: &mut Pin<Box<Sleep>>, cx: &mut Context<'_>) -> Poll<()> {
    pin!(coop::unconstrained(sleep.as_mut())).poll(cx)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn an_end_may_be_put_off_and_brought_forward() {
        let (mut timer, began) = (LazyTimer::default(), Instant::now());
        let mut ends = [9, 20, 3].map(|seconds| began + SECOND * seconds).into_iter();
        let mut end = began;
        poll_fn(|cx| {
            ends.by_ref().for_each(|next| {
                end = next;
                assert!(timer.poll_until(end, cx).is_pending());
            });
            timer.poll_until(end, cx)
        })
        .await;
        assert_eq!(began.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_is_woken_within_a_limit_whatever_the_timer_was_for() {
        let (mut timer, began) = (LazyTimer::default(), Instant::now());
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            if polls > 1 {
                return Poll::Ready(());
            }
            assert!(timer.poll_until(began + SECOND * 60, cx).is_pending());
            timer.wake_within(SECOND * 5, cx);
            timer.wake_within(SECOND * 9, cx);
            Poll::Pending
        })
        .await;
        assert_eq!(began.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_comes_though_every_turn_is_spent() {
        let (mut timer, end) = (LazyTimer::default(), Instant::now() + SECOND);
        let mut is_pending = |cx: &mut Context<'_>| timer.poll_until(end, cx).is_pending();
        assert!(poll_fn(|cx| Poll::Ready(is_pending(cx))).await);
        tokio::time::advance(SECOND * 2).await;
        poll_fn(|cx| {
            while let Poll::Ready(step) = coop::poll_proceed(cx) {
                step.made_progress();
            }
            assert!(timer.poll_until(end, cx).is_pending());
            timer.poll_until_though_busy(end, cx)
        })
        .await;
    }
}
