//! Idle connections. The last one in is the first one out: it is the least likely to have been
//! closed meanwhile, and the rest may grow old and go.

use super::connection::Connection;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// At most [`MAX_IDLE`] connections, none older than [`MAX_AGE`].
#[derive(Default)]
pub(super) struct Pool {
    /// Oldest in front. A blocking lock: it is held for a push or a pop.
    idle: Mutex<VecDeque<Idle>>,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

impl Pool {
    /// The connection used last. It may be dead: only using it tells.
    pub(super) fn take(&self) -> Option<Box<Connection>> {
        let newest = self.idle.lock().pop_back()?;
        if newest.since.elapsed() <= MAX_AGE {
            return Some(newest.connection);
        }
        // All others are older. They are closed without the lock.
        let stale = std::mem::take(&mut *self.idle.lock());
        drop(stale);
        None
    }

    /// Keeps a clean connection. Each one kept lets up to two old ones go, so that connections
    /// the application closed long ago do not pile up.
    pub(super) fn put(&self, connection: Box<Connection>) {
        let since = Instant::now();
        let stale = {
            let mut idle = self.idle.lock();
            idle.push_back(Idle { connection, since });
            [pop_stale(&mut idle, since), pop_stale(&mut idle, since)]
        };
        drop(stale);
    }

    /// How many are idle now.
    pub(super) fn len(&self) -> usize {
        self.idle.lock().len()
    }
}

fn pop_stale(idle: &mut VecDeque<Idle>, now: Instant) -> Option<Idle> {
    let oldest = idle.front()?;
    let stale = idle.len() > MAX_IDLE || now.duration_since(oldest.since) > MAX_AGE;
    if stale { idle.pop_front() } else { None }
}

/// More idle connections than this are closed, the oldest first.
pub(super) const MAX_IDLE: usize = 256;
/// Longer idle than this is closed.
pub(super) const MAX_AGE: Duration = Duration::from_secs(30);
