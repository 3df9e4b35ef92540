//! Timers that are used again.
//!
//! Every request wants to know when it has taken too long, and hardly any does. Entering a new timer
//! into the runtime's wheel and taking it out again costs more than the breaker's whole decision;
//! one that is there already, and would go off earlier, is left as it is until it does.

use crate::clock::LazyTimer;
use parking_lot::Mutex;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// Timers of about the same time that nobody waits for at the moment.
#[derive(Default)]
pub(super) struct Timers(Mutex<Vec<LazyTimer>>);

/// One of them, which goes back when dropped.
pub(super) struct Timer<'a> {
    timers: &'a Timers,
    end: tokio::time::Instant,
    timer: LazyTimer,
}

impl Timers {
    /// Ready at `end`, by tokio's clock.
    pub(super) fn at(&self, end: Instant) -> Timer<'_> {
        let timer = self.0.lock().pop().unwrap_or_default();
        Timer { timers: self, end: end.into(), timer }
    }
}

impl Future for Timer<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let end = self.end;
        self.timer.poll_until(end, cx)
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        let mut kept = self.timers.0.lock();
        if kept.len() < KEPT_MAX {
            kept.push(std::mem::take(&mut self.timer));
        }
    }
}

/// As many as requests are likely to be inside at one time.
const KEPT_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_used_again_takes_its_new_time() {
        let timers = Timers::default();
        for seconds in [3, 1, 2] {
            let (began, time) = (clock::mono(), Duration::from_secs(seconds));
            timers.at(began + time).await;
            assert_eq!((clock::mono() - began).as_secs(), seconds);
        }
        assert_eq!(timers.0.lock().len(), 1);
    }
}
