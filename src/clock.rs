//! The one clock: every part is given `now` from here, so that decisions can be tested without
//! waiting.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
