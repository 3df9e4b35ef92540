//! A 304 from the application: the copy it is about is as good as new.

use super::Proxy;
use super::asked::Asked;
use super::variants::{self, Found};
use crate::clock::Now;
use crate::key::{CacheKey, StoreKey};
use crate::policy::{self, Framing, MayStore, Storable};
use crate::store::Copy;
use http::{HeaderMap, Response, response};
use std::time::Duration;

impl Proxy {
    /// The visitor's own copy, or the one that is for everybody: the first that the 304 is about,
    /// if an answer with these fields could have been kept as it is.
    pub(super) async fn refresh(&self, asked: &Asked, said: &HeaderMap, now: Now) {
        let Ok(key) = &asked.key else { return };
        for lookup in self.lookups(key) {
            if !variants::any(&self.store, &lookup.key).await {
                continue;
            }
            let found = variants::find(&self.store, lookup.key.clone(), asked, now).await;
            let Some(found) = found else { continue };
            if policy::is_about(&found.copy.headers, said, &asked.sent()) {
                return self.keep_again(asked, key, lookup.key, found, said, now).await;
            }
        }
    }

    async fn keep_again(
        &self,
        asked: &Asked,
        key: &CacheKey,
        page: StoreKey,
        found: Found,
        said: &HeaderMap,
        now: Now,
    ) {
        let old = &found.copy;
        self.covered.kept(asked, old.why, now.mono);
        let head = with(old, policy::brought_up_to_date(&old.headers, said));
        let says_the_same = policy::are_the_same_but_for_the_date(&old.headers, &head.headers);
        if says_the_same && now.wall.since(old.stored_at) < APART {
            return;
        }
        let Some(storable) = self.would_be_kept(asked, key, &head, old) else { return };
        let is_the_same = storable.store_key(key, &self.store.secret()) == page
            && storable.why == old.why
            // What it depends on now is what it was found by.
            && found.list.as_ref().map_or(storable.varies.is_empty(), |list| list.covers(&storable.varies));
        if !is_the_same {
            return;
        }
        let place = match found.list {
            None => Some(found.key),
            Some(_) => self.place(&page, &storable, asked, now).await,
        };
        let headers = policy::stored_headers(&head.headers);
        let copy = Copy { headers, stored_at: now.wall, purged: false, ..Copy::clone(old) };
        if let Some(place) = place {
            self.store.put(place, copy, storable.on_disk);
        }
    }

    fn would_be_kept(
        &self,
        asked: &Asked,
        key: &CacheKey,
        head: &response::Parts,
        copy: &Copy,
    ) -> Option<Storable> {
        let framing = Framing::Length(copy.body.len() as u64);
        let settings = &self.settings;
        match policy::may_store(&asked.head, key, head, framing, &settings.key, &settings.policy) {
            MayStore::Store(storable) => Some(storable),
            MayStore::Skip(_) | MayStore::Forget => None,
        }
    }
}

/// The answer that the copy would have come of, with these fields.
fn with(copy: &Copy, fields: HeaderMap) -> response::Parts {
    let (mut head, ()) = Response::new(()).into_parts();
    (head.status, head.headers) = (copy.status, fields);
    head
}

/// A page that every visitor asks about need not be written for each of them.
const APART: Duration = Duration::from_secs(10);
