//! What the caller and the breaker tell each other about one call.

use std::time::{Duration, Instant};

/// Where a breaker stands, in Fowler's words. The order is from lenient to strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Requests flow.
    Closed,
    /// A few probes flow.
    HalfOpen,
    /// Nothing flows.
    Open,
}

impl State {
    /// The word in `X-Circuit`, in the log and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Closed => "CLOSED",
            State::HalfOpen => "HALF-OPEN",
            State::Open => "OPEN",
        }
    }
}

/// What the call may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A GET: may be a probe.
    MayProbe,
    /// A HEAD: admitted only while closed.
    NeverProbe,
}

/// The answer of both levels to one ask.
#[derive(Debug)]
#[must_use = "an admitted call must come back"]
pub enum Admission {
    Admitted(Permit),
    Rejected {
        /// The stricter of the two.
        state: State,
        /// When to ask again: until the next probe may start, at least a second.
        retry_after: Duration,
        /// By the operator's word and no evidence.
        forced: bool,
    },
}

/// One admitted call. It must come back through `record` or `release`: a permit that is lost
/// keeps its place among the overdue calls until the next change of state, and its probe place
/// until the lease ends.
#[derive(Debug)]
#[must_use = "a permit must come back through record or release"]
pub struct Permit {
    /// Rises with every admission, so that the lowest is the oldest.
    pub(super) id: u64,
    /// The hash of the path.
    pub(super) path: u64,
    /// The newest generation of any breaker at the admission.
    pub(super) generation: u64,
    pub(super) began: Instant,
    pub(super) overdue: Option<Instant>,
    pub(super) probe: bool,
    /// Of the application's own breaker.
    pub(super) of_all: bool,
    /// The breaker it is a probe of has opened because calls hung or were slow.
    pub(super) may_hang: bool,
    /// False: it says nothing, for it would have been refused (`Mode::Dry`).
    pub(super) judged: bool,
}

impl Permit {
    /// Is this call a probe of an application, or path, that hung or was slow? Who could be given a
    /// copy is not to wait for what becomes of it.
    pub fn may_hang(&self) -> bool {
        self.probe && self.may_hang
    }

    /// Is this call a probe of the application's breaker? Then nothing but probes is inside.
    pub fn is_probe_of_all(&self) -> bool {
        self.probe && self.of_all
    }

    /// Is this call a probe of either level?
    pub fn is_probe(&self) -> bool {
        self.probe
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.overdue.is_some()
    }
}

/// How a call ended, however many tries it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Good,
    Failed(Fault),
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused, reset before an answer, connect unanswered, DNS: counts from any path.
    Transport,
    /// A failure status, with the application's `Retry-After` if it sent one (heard on a 503,
    /// RFC 9110 section 15.6.4).
    Status { code: u16, retry_after: Option<Duration> },
    /// No head in time, or silence in the body.
    Timeout,
    /// A malformed or broken-off answer.
    Broken,
}

impl Outcome {
    /// Is the answer itself what failed, and not the way to it?
    pub(super) fn is_bad_answer(self) -> bool {
        matches!(self, Outcome::Failed(fault) if fault != Fault::Transport)
    }

    /// Did the application get to the end of an answer, good or bad? Then it does not hang.
    pub(super) fn is_answer(self) -> bool {
        matches!(self, Outcome::Good | Outcome::Failed(Fault::Status { .. }))
    }
}

impl Fault {
    /// How long the application asked to be left alone.
    pub(super) fn retry_after(self) -> Option<Duration> {
        match self {
            Fault::Status { code: 503, retry_after } => retry_after,
            _ => None,
        }
    }
}
