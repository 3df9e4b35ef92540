//! Work that runs in the task of whoever waits for it, and goes on alone when he leaves.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;

/// A future that is not cancelled by being dropped: what is left of it becomes a task of its own.
pub(super) struct Accompanied<F: Future<Output: Send> + Send + 'static> {
    /// None once it is done.
    work: Option<Pin<Box<F>>>,
}

impl<F: Future<Output: Send> + Send + 'static> Accompanied<F> {
    pub(super) fn new(work: F) -> Self {
        Self { work: Some(Box::pin(work)) }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Accompanied<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Asked again after its end it has nothing more to say, like any future.
        let Some(work) = &mut self.work else { return Poll::Pending };
        let output = ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Accompanied<F> {
    fn drop(&mut self) {
        // Without a runtime there is nobody left to do it for.
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it_any_more() {
        let (done, is_done) = oneshot::channel();
        let mut work = Accompanied::new(async {
            yield_now().await;
            done.send("done").unwrap();
        });
        let first = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut work).poll(cx))).await;
        assert!(first.is_pending());
        drop(work);
        assert_eq!(is_done.await, Ok("done"));
    }
}
