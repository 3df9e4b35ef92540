//! What must be known to send a request again, and is not this room's to know.

use super::Failure;
use http::StatusCode;
use std::time::Duration;
use tokio::time::Instant;

/// How a try ended: the status of its answer, or why there was none.
pub type Ended = Result<StatusCode, Failure>;

/// The caller's leave for one request, asked only when something could be sent again.
pub trait Leave: Sync {
    /// Held while a hedge is inside the application beside the first try.
    type Slot: Send;

    /// Is an answer with this status a failure?
    fn is_failure(&self, status: StatusCode) -> bool;

    /// May it be sent again: is the breaker closed?
    fn may_retry(&self) -> bool;

    /// May it wait so long before it is sent again?
    fn may_wait(&self, wait: Duration) -> bool;

    /// May it be sent a second time while the first is still inside? `None`: the breaker is not
    /// closed, or there is no room.
    fn may_hedge(&self) -> Option<Self::Slot>;

    /// Until when the visitor waits, if a copy could be given to him instead of what the last try
    /// ended in; `None`: there is no copy. He began to wait at `began`.
    fn copy_until(
        &self,
        began: Instant,
        last: Ended,
    ) -> impl Future<Output = Option<Instant>> + Send;

    /// Hears of everything that was sent again.
    fn note(&self, step: Step);
}

/// What happened beyond the first try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another try, so long after the last one ended like that.
    Retry { ended: Ended, wait: Duration },
    /// A second request beside the first, which was sent so long before.
    Hedge { delay: Duration },
    /// A good answer came, after more than one try.
    Won(Winner),
}

/// Whose answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    First,
    Hedge,
    Retry,
}

impl Winner {
    /// The word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Winner::First => "first",
            Winner::Hedge => "hedge",
            Winner::Retry => "retry",
        }
    }
}
