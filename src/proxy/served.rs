//! What a visitor was given: exactly one of four things per request. Header, log field and
//! counter all come from its one `as_str`.

use super::asked::Asked;
use super::errand::Answer;
use super::forms::Forms;
use super::rescue::Why;
use crate::key::EntryId;
use crate::policy::Freshness;
use crate::store::Copy;
use crate::upstream::Failure;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use tracing::debug;

pub(super) enum Served {
    /// The application's answer.
    Backend(Answer),
    /// A copy instead of it.
    Rescued(Rescue),
    /// The application's own failure, untouched, because there is no copy.
    Failed(Answer, Why),
    /// A page of ours.
    Refused(Refusal),
}

pub(super) struct Rescue {
    pub(super) copy: Arc<Copy>,
    /// What it is filed under.
    pub(super) id: EntryId,
    /// Its compressed forms are among these.
    pub(super) forms: Arc<Forms>,
    pub(super) age: Duration,
    pub(super) freshness: Freshness,
    /// `cache.ttl`, which the age is measured against.
    pub(super) ttl: Duration,
    pub(super) why: Why,
}

pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
    /// On every 503.
    pub(super) retry_after: Option<Duration>,
    /// The client is not to be trusted with another request on this connection.
    pub(super) closes: bool,
}

impl Served {
    /// The value of `X-Retter`.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Backend(_) => "backend",
            Self::Rescued(rescue) => rescue.freshness.as_str(),
            Self::Failed(..) | Self::Refused(_) => "no-cache",
        }
    }

    /// Why this was no request to go on with, if it was none.
    pub(super) fn turned_away(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) if refusal.closes => Some(refusal.reason),
            _ => None,
        }
    }

    /// What led to it, as the log has it.
    pub(super) fn why(&self) -> &'static str {
        match self {
            Self::Backend(_) => "answered",
            Self::Rescued(rescue) => rescue.why.as_str(),
            Self::Failed(_, why) => why.as_str(),
            Self::Refused(refusal) => refusal.reason,
        }
    }
}

/// The request line, at debug. More tries than one add what became of them. Never the query: it may
/// hold what is nobody else's business.
pub(super) fn log(
    asked: &Asked,
    status: StatusCode,
    served: &'static str,
    why: &'static str,
    took: Duration,
) {
    debug!(
        method = %asked.head.method,
        path = asked.path(),
        status = status.as_u16(),
        served,
        why,
        client = %asked.client.address,
        micros = took.as_micros() as u64,
        attempts = asked.tries.attempts(),
        waits = asked.tries.waits(),
        winner = asked.tries.winner(),
        "request"
    );
}

impl Refusal {
    /// Turned away at the door.
    pub(super) fn door(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason, retry_after: None, closes: true }
    }

    /// The application was not asked.
    pub(super) fn not_asked(retry_after: Duration) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            reason: "breaker",
            retry_after: Some(retry_after),
            closes: false,
        }
    }

    /// As many as it can work on are inside, and it did not become this one's turn.
    pub(super) fn gate_full() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            reason: "gate-full",
            retry_after: Some(SOON),
            closes: false,
        }
    }

    /// The application was asked in vain.
    pub(super) fn failure(failure: Failure) -> Self {
        let status = match failure {
            Failure::ConnectTimeout | Failure::Timeout | Failure::Silent => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Failure::ClientGone => StatusCode::BAD_REQUEST,
            Failure::TargetTooLong => {
                return Self::door(StatusCode::URI_TOO_LONG, failure.as_str());
            }
            _ => StatusCode::BAD_GATEWAY,
        };
        Self { status, reason: failure.as_str(), retry_after: None, closes: false }
    }
}

/// When to come again if there was no room.
const SOON: Duration = Duration::from_secs(1);
