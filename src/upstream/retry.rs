//! What may be sent again, by the operator's word and by the protocol's, and how often that was so.

use super::budget::Budget;
use super::connection::Miss;
use super::percentile::Lately;
use super::tape::{Tape, Tapes};
use super::{Backoff, Ended, Failure, Outgoing, Reply, RequestBody, count};
use crate::{clock, headers};
use http::Method;
use std::future::poll_fn;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

/// What the operator says about retries.
#[derive(Clone, Debug)]
pub struct Retry {
    /// `retry.attempts`: tries in all; 1: no retries
    pub attempts: u32,
    /// `retry.backoff`
    pub backoff: Backoff,
    /// `retry.base`
    pub base: Duration,
    /// `retry.cap`: no wait is longer, unless the application asks for it
    pub cap: Duration,
    /// `retry.budget`: what part of the requests may be sent again, beside ten a second
    pub budget: f64,
    /// `retry.statuses`
    pub statuses: Vec<RangeInclusive<u16>>,
    /// `retry.methods`: those beside the safe ones
    pub methods: Vec<Method>,
    /// `retry.maxbody`: the longest body of a request that is kept to be sent again, bytes
    pub maxbody: usize,
}

impl Retry {
    /// Could another try end better? Not after a timeout: the visitor has waited already, and an
    /// application that hangs is not helped by one more request. Not after nonsense: it would be
    /// said again, nor without TLS that can be trusted. Not for want of a socket: another would
    /// need one too.
    pub(super) fn may_help(&self, ended: Ended) -> bool {
        self.attempts > 1
            && match ended {
                Ok(status) => self.statuses.iter().any(|range| range.contains(&status.as_u16())),
                Err(failure) => {
                    matches!(failure, Failure::Refused | Failure::Dns | Failure::Reset)
                }
            }
    }

    /// May the application meet it twice, although the first may have arrived?
    pub(super) fn may_repeat(&self, head: &Outgoing<'_>) -> bool {
        head.is_safe() || self.methods.contains(head.method)
    }
}

/// A try that brought no answer.
pub(super) struct Lost {
    pub(super) failure: Failure,
    /// The body of a request of which nothing was sent.
    pub(super) unsent: Option<RequestBody>,
}

/// The body of a request, for the next try.
pub(super) enum Source {
    /// There is none.
    None,
    Taped(Tape),
    /// It can be sent once.
    Once,
}

impl Source {
    /// What is needed to send `body` again, and the body for the first try. A request that can
    /// never be sent again costs nothing.
    pub(super) fn of(
        body: RequestBody,
        head: &Outgoing<'_>,
        retry: &Retry,
        tapes: &Tapes,
    ) -> (Self, RequestBody) {
        let client = match body {
            RequestBody::Empty => return (Source::None, body),
            RequestBody::Client(client) if retry.attempts > 1 && retry.may_repeat(head) => client,
            body => return (Source::Once, body),
        };
        match tapes.record(client, retry.maxbody) {
            Ok(tape) => match tape.play() {
                Some(body) => (Source::Taped(tape), body),
                None => (Source::Once, RequestBody::Empty),
            },
            Err(client) => (Source::Once, RequestBody::Client(client)),
        }
    }

    /// The whole body once more, if that is possible.
    pub(super) fn again(&self) -> Option<RequestBody> {
        match self {
            Source::None => Some(RequestBody::Empty),
            Source::Taped(tape) => tape.play(),
            Source::Once => None,
        }
    }
}

/// What all calls share about sending again.
pub(super) struct Again {
    pub(super) budget: Budget,
    pub(super) tapes: Tapes,
    pub(super) lately: Lately,
    pub(super) retries: AtomicU64,
    pub(super) retry_wins: AtomicU64,
    pub(super) hedges: AtomicU64,
    pub(super) hedge_wins: AtomicU64,
    exhausted: AtomicU64,
}

/// How often something was sent again, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgainCounts {
    /// Tries after one that failed.
    pub retries: u64,
    /// Those after which a good answer was given.
    pub retry_wins: u64,
    /// Requests sent beside one that was slow.
    pub hedges: u64,
    /// Those that had the good answer first.
    pub hedge_wins: u64,
    /// Retries and hedges that the budget had nothing left for.
    pub exhausted: u64,
}

impl Again {
    pub(super) fn new(retry: &Retry) -> Self {
        Self {
            budget: Budget::new(retry.budget, clock::mono()),
            tapes: Tapes::default(),
            lately: Lately::default(),
            retries: AtomicU64::new(0),
            retry_wins: AtomicU64::new(0),
            hedges: AtomicU64::new(0),
            hedge_wins: AtomicU64::new(0),
            exhausted: AtomicU64::new(0),
        }
    }

    /// Pays for one more try.
    pub(super) fn pay(&self) -> bool {
        let paid = self.budget.take(clock::mono());
        if !paid {
            count(&self.exhausted);
        }
        paid
    }

    pub(super) fn read(&self) -> AgainCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AgainCounts {
            retries: load(&self.retries),
            retry_wins: load(&self.retry_wins),
            hedges: load(&self.hedges),
            hedge_wins: load(&self.hedge_wins),
            exhausted: load(&self.exhausted),
        }
    }
}

impl Lost {
    /// Something of the request was sent, or may have been.
    pub(super) fn by(failure: Failure) -> Self {
        Self { failure, unsent: None }
    }

    pub(super) fn ended(tried: &Result<Reply, Lost>) -> Ended {
        match tried {
            Ok(reply) => Ok(reply.head.status),
            Err(lost) => Err(lost.failure),
        }
    }
}

impl From<Miss> for Lost {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Unsent(request, failure) => Lost { failure, unsent: Some(request.into_body()) },
            Miss::Unheard(failure) | Miss::Failed(failure) => Lost::by(failure),
        }
    }
}

impl Reply {
    /// How long the application asks to be left alone, whatever it answered.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        headers::retry_after(&self.head.headers)
    }

    /// An answer that nobody is to see. If the rest of it is here, and is no more than an error
    /// page, its connection is good for the next request; otherwise it is closed. Waits for
    /// nothing.
    pub(super) async fn let_go(mut self) {
        let mut read = 0;
        poll_fn(|cx| {
            while let Poll::Ready(Some(Ok(frame))) = self.body.poll_frame(cx) {
                read += frame.data_ref().map_or(0, bytes::Bytes::len);
                if read > LET_GO_BYTES {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Reading more than this costs more than a connection.
const LET_GO_BYTES: usize = 64 << 10;
