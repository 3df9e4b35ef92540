//! A 304 from the application: the copy it is about is as good as new.

use super::Proxy;
use super::asked::Asked;
use super::variants::{self, Found};
use crate::clock::Now;
use crate::key::CacheKey;
use crate::policy::{self, Framing, MayStore, Storable};
use crate::store::Copy;
use http::{HeaderMap, Response, response};

impl Proxy {
    /// The visitor's own copy, or the one that is for everybody: the first that the 304 is about,
    /// if an answer with these fields could have been kept as it is.
    pub(super) async fn refresh(&self, asked: &Asked, key: &CacheKey, said: &HeaderMap, now: Now) {
        for lookup in self.lookups(key) {
            let Some(found) = variants::find(&self.store, lookup.key, asked, now).await else {
                continue;
            };
            if policy::is_about(&found.copy.headers, said, &asked.head.headers) {
                return self.keep_again(asked, key, found, said, now);
            }
        }
    }

    fn keep_again(&self, asked: &Asked, key: &CacheKey, found: Found, said: &HeaderMap, now: Now) {
        let old = &found.copy;
        let head = with(old, policy::brought_up_to_date(&old.headers, said));
        let Some(storable) = self.would_be_kept(asked, key, &head, old) else { return };
        let is_its_own =
            storable.store_key(key, &self.store.secret()).identity == found.key.identity;
        if !is_its_own || storable.why != old.why {
            return;
        }
        let headers = policy::stored_headers(&head.headers);
        let copy = Copy { headers, stored_at: now.wall, purged: false, ..Copy::clone(old) };
        self.store.put(found.key, copy, storable.on_disk);
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
