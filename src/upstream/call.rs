//! One request, however many tries it takes: when a try is followed by another.
//!
//! A retry is made for the visitor, so it must be done before he has to be told something, and at
//! the application's expense, so it must be no burden: only while the breaker is closed, only
//! what the budget pays for, only after what may be over by then. Whenever it is not to be made,
//! the caller gets what the last try brought, as if there were no retries.
//!
//! Nothing here knows a wire, so that the tests need none: a try is whatever [`Tries`] does.

use super::connection::after;
use super::retry::{Again, Lost, Source};
use super::{
    Ended, Failure, Hedge, Leave, Outgoing, Reply, RequestBody, Retry, Settings, Step, Winner,
    count,
};
use http::Method;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Whoever makes one try.
pub(super) trait Tries: Sync {
    /// Sends the request and returns when the head of its answer has come, by `deadline`.
    fn send(
        &self,
        head: &Outgoing<'_>,
        body: RequestBody,
        deadline: Instant,
    ) -> impl Future<Output = Result<Reply, Lost>> + Send;
}

pub(super) struct Call<'a, T, L> {
    pub(super) tries: &'a T,
    pub(super) retry: &'a Retry,
    pub(super) hedge: Hedge,
    pub(super) again: &'a Again,
    pub(super) head: &'a Outgoing<'a>,
    pub(super) leave: &'a L,
    pub(super) began: Instant,
    /// The end of `backend.timeout`, for all tries together: each has what is left.
    pub(super) deadline: Instant,
}

impl<'a, T: Tries, L: Leave> Call<'a, T, L> {
    pub(super) fn new(
        tries: &'a T,
        settings: &'a Settings,
        again: &'a Again,
        head: &'a Outgoing<'a>,
        leave: &'a L,
        began: Instant,
    ) -> Self {
        let (retry, hedge) = (&settings.retry, settings.hedge);
        let deadline = after(began, settings.timeout);
        Self { tries, retry, hedge, again, head, leave, began, deadline }
    }

    pub(super) async fn run(&self, body: RequestBody) -> Result<Reply, Failure> {
        self.again.budget.request();
        let (source, body) = Source::of(body, self.head, self.retry, &self.again.tapes);
        // What seldom happens is boxed: every request makes room for this future.
        let first =
            if self.hedge != Hedge::Off && body.is_empty() && *self.head.method == Method::GET {
                Box::pin(self.hedged()).await
            } else {
                self.tries.send(self.head, body, self.deadline).await
            };
        let tried = if self.retry.may_help(Lost::ended(&first)) {
            Box::pin(self.retried(first, source)).await
        } else {
            first
        };
        tried.map_err(|lost| lost.failure)
    }

    pub(super) fn is_good(&self, tried: &Result<Reply, Lost>) -> bool {
        tried.as_ref().is_ok_and(|reply| !self.leave.is_failure(reply.head.status))
    }

    async fn retried(&self, mut tried: Result<Reply, Lost>, source: Source) -> Result<Reply, Lost> {
        for number in 1..self.retry.attempts {
            let Some(body) = self.body_again(&mut tried, &source) else { break };
            let ended = Lost::ended(&tried);
            let asked_for = tried.as_ref().ok().and_then(Reply::retry_after);
            let Some(wait) = self.wait(number, ended, asked_for).await else { break };
            sleep_until(after(Instant::now(), wait)).await;
            if !self.leave.may_retry() {
                // It has opened meanwhile.
                self.again.budget.give_back();
                break;
            }
            count(&self.again.retries);
            self.leave.note(Step::Retry { ended, wait });
            if let Ok(reply) = tried {
                reply.let_go().await;
            }
            tried = self.tries.send(self.head, body, self.deadline).await;
            if self.retry.may_help(Lost::ended(&tried)) {
                continue;
            }
            if self.is_good(&tried) {
                count(&self.again.retry_wins);
                self.leave.note(Step::Won(Winner::Retry));
            }
            break;
        }
        tried
    }

    /// The body for another try: any request may be sent again of which nothing was sent, and one
    /// that changes nothing by coming twice, if its body is still there.
    fn body_again(&self, tried: &mut Result<Reply, Lost>, source: &Source) -> Option<RequestBody> {
        let unsent = tried.as_mut().err().and_then(|lost| lost.unsent.take());
        unsent.or_else(|| self.retry.may_repeat(self.head).then(|| source.again()).flatten())
    }

    /// How long to wait before the next try; `None`: there is to be none. It is paid for.
    async fn wait(
        &self,
        number: u32,
        ended: Ended,
        asked_for: Option<Duration>,
    ) -> Option<Duration> {
        if !self.leave.may_retry() {
            return None;
        }
        let Retry { backoff, base, cap, .. } = *self.retry;
        let wait = backoff.wait(base, cap, number, fastrand::f64());
        let wait = wait.max(asked_for.unwrap_or_default());
        let at = Instant::now().checked_add(wait)?;
        if at >= self.deadline || !self.leave.may_wait(wait) {
            return None;
        }
        // Rescuing beats retrying.
        if self.leave.copy_until(self.began, ended).await.is_some_and(|until| at >= until) {
            return None;
        }
        self.again.pay().then_some(wait)
    }
}
