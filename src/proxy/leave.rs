//! When the application may be asked once more for one request, and what came of that.

use super::Proxy;
use super::asked::Asked;
use super::gatekeeper::{Entered, Held};
use super::rescue::{self, Why};
use crate::breaker::State;
use crate::clock;
use crate::upstream::{self, Ended, Step, Winner};
use http::StatusCode;
use parking_lot::Mutex;
use std::fmt::Write;
use std::time::Duration;
use tokio::time::Instant;

/// The leave for one request: the breakers', and that of the visitor who waits.
pub(super) struct Leave<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) asked: &'a Asked,
}

impl upstream::Leave for Leave<'_> {
    /// `None` where none is needed.
    type Slot = Option<Held>;

    fn is_failure(&self, status: StatusCode) -> bool {
        self.proxy.is_failure(status)
    }

    /// A probe is one request: while half-open there is no second one.
    fn may_retry(&self) -> bool {
        self.asked.is_awaited()
            && self.proxy.judge.state(self.asked, clock::mono()) == State::Closed
    }

    fn may_wait(&self, wait: Duration) -> bool {
        // A wait holds the call's slot.
        wait <= SHORT_WAIT || self.proxy.gatekeeper.has_room()
    }

    fn may_hedge(&self) -> Option<Option<Held>> {
        // Long polling takes its time.
        if !self.may_retry() || self.proxy.judge.is_ignored(self.asked) {
            return None;
        }
        match self.proxy.gatekeeper.enter(self.asked, false, clock::mono()) {
            Entered::In(slot) => Some(slot),
            Entered::Full => None,
        }
    }

    async fn copy_until(&self, began: Instant, last: Ended) -> Option<Instant> {
        let why = last.map_or_else(Why::Failure, Why::Status);
        rescue::is_there(self.proxy, self.asked, why)
            .await
            .then(|| began + self.proxy.settings.patience)
    }

    fn note(&self, step: Step) {
        self.asked.tries.note(step);
    }
}

/// What a request took beyond its first try; for most there is nothing to say.
#[derive(Default)]
pub(super) struct Tries(Mutex<Vec<Step>>);

impl Tries {
    fn note(&self, step: Step) {
        self.0.lock().push(step);
    }

    /// Requests sent, in all; `None`: no more than one.
    pub(super) fn attempts(&self) -> Option<usize> {
        let more = self.0.lock().iter().filter(|step| !matches!(step, Step::Won(_))).count();
        (more > 0).then_some(more + 1)
    }

    /// What each one after the first waited for: `503+41ms reset+78ms`, `hedge+100ms`.
    pub(super) fn waits(&self) -> Option<String> {
        let mut words = String::new();
        for step in self.0.lock().iter() {
            let gap = if words.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = match step {
                Step::Retry { ended: Ok(status), wait } => {
                    write!(words, "{gap}{}+{}ms", status.as_u16(), wait.as_millis())
                }
                Step::Retry { ended: Err(failure), wait } => {
                    write!(words, "{gap}{}+{}ms", failure.as_str(), wait.as_millis())
                }
                Step::Hedge { delay } => write!(words, "{gap}hedge+{}ms", delay.as_millis()),
                Step::Won(_) => Ok(()),
            };
        }
        (!words.is_empty()).then_some(words)
    }

    /// Whose answer was good; `None`: nobody's, or there was only one.
    pub(super) fn winner(&self) -> Option<&'static str> {
        self.0.lock().iter().rev().find_map(|step| match step {
            Step::Won(winner) => Some(Winner::as_str(*winner)),
            _ => None,
        })
    }
}

/// What a slot may be held for without a call in it.
const SHORT_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Failure;

    #[test]
    fn one_try_is_not_worth_a_word() {
        let tries = Tries::default();
        assert_eq!((tries.attempts(), tries.waits(), tries.winner()), (None, None, None));
    }

    #[test]
    fn attempts_waits_and_the_winner_are_told() {
        let tries = Tries::default();
        let wait = Duration::from_millis(41);
        tries.note(Step::Hedge { delay: wait });
        tries.note(Step::Retry { ended: Ok(StatusCode::BAD_GATEWAY), wait });
        tries.note(Step::Retry { ended: Err(Failure::Reset), wait });
        assert_eq!(tries.attempts(), Some(4));
        assert_eq!(tries.waits().as_deref(), Some("hedge+41ms 502+41ms reset+41ms"));
        assert_eq!(tries.winner(), None);
        tries.note(Step::Won(Winner::Retry));
        assert_eq!((tries.attempts(), tries.winner()), (Some(4), Some("retry")));
    }
}
