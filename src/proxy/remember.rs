//! The breakers' memory goes to the file: at every change of state at once, otherwise once a
//! second if there is anything new, and a last time before the file is closed.
//!
//! A task of its own does it, so that no request pays for the look at all breakers, and a storm of
//! changes is one write.

use super::Proxy;
use crate::clock::Now;
use std::time::Duration;
use tokio::time::{sleep, timeout};

impl Proxy {
    /// Keeps the file's memory of the breakers up to date; never returns.
    pub async fn remember(&self) {
        loop {
            // Too late is as good as changed: counts have no other signal.
            let _ = timeout(COUNTS, self.judge.changed()).await;
            self.remember_now();
            sleep(APART).await;
        }
    }

    /// Hands over what has changed since the last time; for the end, before the store is closed.
    pub fn remember_now(&self) {
        let now = Now::read();
        self.store.put_breakers(self.judge.take_unsaved(now), now.wall);
    }
}

/// Between two looks at the counts.
const COUNTS: Duration = Duration::from_secs(1);
/// Between two looks at all: they take a millisecond under the breakers' lock when 10,000 paths are
/// open.
const APART: Duration = Duration::from_millis(50);
