//! Being told to stop, beside other things to wait for.

use std::pin::{Pin, pin};
use std::task::Context;
use tokio::sync::watch;
use tokio::task::coop;

/// Listens for the word to stop.
pub(super) struct Ear<'a, F> {
    told: Pin<&'a mut F>,
    stop: &'a watch::Receiver<bool>,
    listening: bool,
}

impl<'a, F: Future> Ear<'a, F> {
    /// `told` ends when `stop` says so.
    pub(super) fn new(told: Pin<&'a mut F>, stop: &'a watch::Receiver<bool>) -> Self {
        Self { told, stop, listening: false }
    }

    /// True when it has been said; not to be asked again then.
    ///
    /// The word wakes the task whenever it comes: listened to once, it need not be asked again until it
    /// has, for every turn of a connection would pay for that. The task must be the same all the time.
    pub(super) fn hears(&mut self, cx: &mut Context<'_>) -> bool {
        if self.listening && !self.stop.has_changed().unwrap_or(true) {
            return false;
        }
        self.listening = true;
        // Whoever keeps the task busy: with no budget left it would hear nothing.
        pin!(coop::unconstrained(self.told.as_mut())).poll(cx).is_ready()
    }
}
