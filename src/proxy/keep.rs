//! The copy that may come of an answer: decided at its head, collected as it streams, stored
//! only at a clean end.

use super::Proxy;
use super::asked::{Asked, Kind};
use crate::capture::{Capture, Full};
use crate::clock::Now;
use crate::key::StoreKey;
use crate::policy::{self, Framing, MayStore, SkipReason, Storable};
use crate::store::Copy;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, response};
use http_body::Frame;
use std::sync::Arc;
use std::time::Instant;
use tracing::trace;

pub(super) enum Keep {
    Copy(Box<Draft>),
    /// The page is gone, if a second answer agrees.
    Forget,
    /// A copy that is there is as good as new.
    Refresh,
    /// It was begun, and something came between.
    GivenUp(&'static str),
    Nothing,
}

/// A copy in the making.
pub(super) struct Draft {
    storable: Storable,
    status: StatusCode,
    body: Capture,
}

impl Keep {
    pub(super) fn of(
        proxy: &Proxy,
        asked: &Asked,
        head: &response::Parts,
        framing: Framing,
    ) -> Self {
        let key = match &asked.key {
            Ok(key) => key,
            Err(reason) => {
                proxy.covered.refused(asked, reason.as_str());
                return Self::Nothing;
            }
        };
        if asked.kind != Kind::Get || proxy.is_failure(head.status) {
            return Self::Nothing;
        }
        let settings = &proxy.settings;
        if head.status == StatusCode::NOT_MODIFIED {
            // The page is there, unchanged.
            proxy.alive(key);
            return Self::Refresh;
        }
        match policy::may_store(&asked.head, key, head, framing, &settings.key, &settings.policy) {
            MayStore::Store(storable) => Self::Copy(Box::new(Draft {
                storable,
                status: head.status,
                body: proxy.captures.capture(settings.policy.maxbody, framing.length()),
            })),
            MayStore::Forget => Self::Forget,
            MayStore::Skip(reason) => Self::skip(proxy, asked, reason.as_str()),
        }
    }

    fn skip(proxy: &Proxy, asked: &Asked, reason: &'static str) -> Self {
        trace!(path = asked.path(), reason, "no copy");
        proxy.meter.skipped.up(reason);
        proxy.covered.refused(asked, reason);
        Self::Nothing
    }

    pub(super) fn is_copying(&self) -> bool {
        matches!(self, Self::Copy(_))
    }

    /// Whoever asks for the same page will find this copy under the key that is his own.
    pub(super) fn is_shareable(&self, proxy: &Proxy, asked: &Asked) -> bool {
        let (Self::Copy(draft), Ok(key)) = (self, &asked.key) else { return false };
        let page = || draft.storable.store_key(key, &proxy.store.secret());
        let obeys = proxy.settings.policy.strict;
        draft.storable.varies.is_empty() && !obeys && proxy.own_key(asked) == Some(page())
    }

    /// Why it was given up, if it was.
    pub(super) fn given_up(&self) -> Option<&'static str> {
        match self {
            Self::GivenUp(reason) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn push(&mut self, frame: &Frame<Bytes>) {
        let (Self::Copy(draft), Some(data)) = (&mut *self, frame.data_ref()) else { return };
        if let Err(full) = draft.body.push(data) {
            self.give_up(full.as_str());
        }
    }

    pub(super) fn give_up(&mut self, reason: &'static str) {
        if self.is_copying() {
            *self = Self::GivenUp(reason);
        }
    }

    /// The answer was whole; `fields` are those of its head.
    pub(super) async fn store(
        self,
        proxy: &Arc<Proxy>,
        asked: &Arc<Asked>,
        fields: &HeaderMap,
        now: Now,
    ) {
        let Ok(key) = &asked.key else { return };
        if self.is_copying() && proxy.judge.is_forced_open(now.mono) {
            // Whoever keeps visitors out may be changing what there is to see.
            return drop(Self::skip(proxy, asked, "forced-open"));
        }
        match self {
            Self::Nothing => {}
            Self::GivenUp(reason) => drop(Self::skip(proxy, asked, reason)),
            Self::Forget => {
                proxy.covered.refused(asked, "forget");
                Box::pin(proxy.forget(asked, key, now)).await;
            }
            Self::Refresh => {
                let (its, asked, fields) = (Arc::clone(proxy), Arc::clone(asked), fields.clone());
                proxy.beside(async move { its.refresh(&asked, &fields, now).await });
            }
            Self::Copy(draft) => {
                if let Some(reason) = draft.soft_error(&proxy.settings.policy, fields) {
                    return drop(Self::skip(proxy, asked, reason.as_str()));
                }
                let page = draft.storable.store_key(key, &proxy.store.secret());
                proxy.alive(key);
                if draft.storable.varies.is_empty() {
                    return draft.store(proxy, asked, page, fields, now);
                }
                let (its, for_it, fields) = (Arc::clone(proxy), Arc::clone(asked), fields.clone());
                let begun = proxy.beside(async move {
                    draft.store_variant(&its, &for_it, page, &fields, now).await;
                });
                if !begun {
                    drop(Self::skip(proxy, asked, Full::Budget.as_str()));
                }
            }
        }
    }
}

impl Proxy {
    /// False: a new query of a client who brings too many of them.
    fn admits(&self, asked: &Asked, page: &StoreKey, now: Instant) -> bool {
        let id = page.id();
        if page.place.query.is_empty() || self.store.knows(id) {
            return true;
        }
        let bringer = self.gatekeeper.bringer(asked);
        self.newcomers.lock().admit(bringer, id, now)
    }
}

impl Draft {
    fn soft_error(&self, settings: &policy::Settings, fields: &HeaderMap) -> Option<SkipReason> {
        policy::soft_error(self.status, fields, self.body.bytes(), settings)
    }

    fn says_the_same_as(&self, held: &Copy, fields: &HeaderMap) -> bool {
        held.body == self.body.bytes()
            && (held.status, held.why) == (self.status, self.storable.why)
            && policy::are_the_same_but_for_the_date(&held.headers, fields)
    }

    async fn store_variant(
        self,
        proxy: &Proxy,
        asked: &Asked,
        page: StoreKey,
        fields: &HeaderMap,
        now: Now,
    ) {
        match proxy.place(&page, &self.storable, asked, now).await {
            Some(place) => self.store(proxy, asked, place, fields, now),
            None => drop(Keep::skip(proxy, asked, SkipReason::Variants.as_str())),
        }
    }

    fn store(self, proxy: &Proxy, asked: &Asked, place: StoreKey, fields: &HeaderMap, now: Now) {
        let held = proxy.store.just_kept(&place, now.wall);
        let is_valid = |held: &Copy| !proxy.changed.means(&place.place, held.stored_at);
        let same = |held: &Copy| is_valid(held) && self.says_the_same_as(held, fields);
        if held.is_some_and(|held| same(&held)) {
            return proxy.covered.kept(asked, self.storable.why, now.mono);
        }
        if !proxy.admits(asked, &place, now.mono) {
            return drop(Keep::skip(proxy, asked, SkipReason::NewQuery.as_str()));
        }
        proxy.covered.kept(asked, self.storable.why, now.mono);
        let copy = Copy {
            status: self.status,
            headers: policy::stored_headers(fields),
            body: self.body.finish(),
            at_rest: None,
            stored_at: now.wall,
            why: self.storable.why,
            purged: false,
        };
        proxy.store.put(place, copy, self.storable.on_disk);
    }
}
