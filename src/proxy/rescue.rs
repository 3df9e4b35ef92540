//! Finding the copy that this visitor may see.

use super::Proxy;
use super::asked::Asked;
use super::served::Rescue;
use super::strict;
use super::variants::{self, Found};
use crate::breaker::State;
use crate::clock::Now;
use crate::policy::{self, MayServe, RefuseReason};
use crate::upstream::Failure;
use http::StatusCode;
use std::sync::Arc;
use tracing::debug;

/// Why a copy is given instead of the application's answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// The breaker kept the request away from the application.
    NotAsked(State),
    /// As many as it can work on are inside.
    GateFull,
    /// It has not begun to answer for as long as a visitor waits who has a copy.
    Patience,
    /// Another request for the page has brought this copy just now.
    Joined,
    /// The operator did (`breaker.mode`).
    ForcedOpen,
    /// The application answered with this failure status.
    Status(StatusCode),
    /// It gave no answer.
    Failure(Failure),
}

impl Why {
    /// The `detail` of `Cache-Status`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked(State::HalfOpen) => "breaker-half-open",
            Self::NotAsked(_) => "breaker-open",
            Self::GateFull => "gate-full",
            Self::Patience => "patience",
            Self::Joined => "joined",
            Self::ForcedOpen => "breaker-forced-open",
            Self::Status(_) => "failure-status",
            Self::Failure(failure) => failure.as_str(),
        }
    }
}

/// The copy for this visitor.
pub(super) async fn find(proxy: &Proxy, asked: &Asked, why: Why) -> Option<Rescue> {
    look(proxy, asked, why, |reason| {
        debug!(path = asked.path(), reason = reason.as_str(), "no rescue by this copy");
        proxy.meter.withheld.up(reason.as_str());
    })
    .await
}

/// Could this visitor be given one? Asking counts nothing.
pub(super) async fn is_there(proxy: &Proxy, asked: &Asked, why: Why) -> bool {
    look(proxy, asked, why, |_| {}).await.is_some()
}

/// The visitor's own copy first, then the one that is for everybody.
async fn look(
    proxy: &Proxy,
    asked: &Asked,
    why: Why,
    refused: impl Fn(RefuseReason),
) -> Option<Rescue> {
    let (store, settings) = (&proxy.store, &proxy.settings);
    let key = asked.key.as_ref().ok()?;
    let now = Now::read();
    for lookup in key.lookups(&store.secret(), &settings.key) {
        let found = variants::find(store, lookup.key, asked, now).await;
        let Some(Found { copy, id, .. }) = found else { continue };
        let age = now.wall.since(copy.stored_at);
        let may_serve = policy::may_serve(copy.why, lookup.own, copy.purged, age, settings.ttl);
        match strict::weigh(may_serve, proxy, asked, &copy, age, why) {
            MayServe::Serve(freshness) => {
                let forms = Arc::clone(&proxy.forms);
                let ttl = settings.ttl;
                return Some(Rescue { copy, id, forms, age, freshness, ttl, why });
            }
            MayServe::Refuse(reason) => refused(reason),
        }
    }
    None
}
