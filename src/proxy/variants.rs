//! Copies of pages that vary: from the key of a page to the copy this very request asks for.
//!
//! A page has its copy under its own key, and what varies beside it: a list, and a key for each
//! variant in it. An answer without `Vary` never touches the list, and one with `Vary` never the
//! copy: applications say it on some answers only (where the request had an `Origin`, say), and no
//! request may take away what others are rescued by.

use super::Proxy;
use super::asked::Asked;
use crate::clock::{Now, UnixMillis};
use crate::key::{EntryId, StoreKey, Variant};
use crate::policy::{Storable, Variants, Why};
use crate::store::{Copy, Store};
use http::StatusCode;
use lru::LruCache;
use parking_lot::Mutex;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// A copy, and the key it was found under.
pub(super) struct Found {
    pub(super) key: StoreKey,
    pub(super) id: EntryId,
    pub(super) copy: Arc<Copy>,
    /// It is a variant, by this list.
    pub(super) list: Option<Variants>,
}

/// The newer one of the page's copy and its variant for this request (RFC 9111 section 4.1); the
/// page's copy only if it is not much older than what varies.
pub(super) async fn find(store: &Store, page: StoreKey, asked: &Asked, now: Now) -> Option<Found> {
    let Some(list) = list_of(store, &page, now).await else {
        return get(store, page, now).await;
    };
    let variant = variant(store, &list, asked);
    let own = if list.has(variant) { get(store, page.varying(variant), now).await } else { None };
    let for_all = get(store, page, now).await;
    let for_all = for_all.filter(|found| list.counts_beside(since_1970(found.copy.stored_at)));
    match (own, for_all) {
        (Some(own), Some(for_all)) if for_all.copy.stored_at > own.copy.stored_at => Some(for_all),
        (Some(own), _) => Some(Found { list: Some(list), ..own }),
        (None, for_all) => for_all,
    }
}

/// Is there anything of this page?
pub(super) async fn any(store: &Store, page: &StoreKey) -> bool {
    store.has(page.id()).await || store.has(page.list_id()).await
}

/// Forgets the page and all that varies of it.
pub(super) async fn forget(store: &Store, page: &StoreKey, now: Now) {
    if let Some(list) = list_of(store, page, now).await {
        list.all().for_each(|variant| store.forget(page.varying(variant).id()));
        store.forget(page.list_id());
    }
    store.forget(page.id());
}

/// The lists of the pages asked for last, so that two answers at one time do not lose each other's
/// place. What counts is in the store: a list that is gone there is gone here.
pub(super) struct Lists(Mutex<LruCache<EntryId, Variants>>);

impl Default for Lists {
    fn default() -> Self {
        Self(Mutex::new(LruCache::sparse(LISTS_MAX)))
    }
}

impl Proxy {
    /// The key of the copy that comes of an answer which varies, with a place in the list. `None`:
    /// there is none left.
    pub(super) async fn place(
        &self,
        page: &StoreKey,
        storable: &Storable,
        asked: &Asked,
        now: Now,
    ) -> Option<StoreKey> {
        let written = list_of(&self.store, page, now).await;
        let (time, list) = (since_1970(now.wall), page.list());
        let mut lists = self.variants.0.lock();
        let counts = |list: &Variants| written.is_some() || list.is_new(time);
        let known = lists.pop(&list.id()).filter(counts).or(written);
        let mut variants = match known {
            Some(known) if known.covers(&storable.varies) => known,
            Some(known) if known.is_needed(time) => return None,
            outdated => {
                let old = outdated.iter().flat_map(Variants::all);
                old.for_each(|variant| self.store.forget(page.varying(variant).id()));
                Variants::by(storable.varies.clone())
            }
        };
        let variant = variant(&self.store, &variants, asked);
        let admitted = variants.admit(variant, time);
        if let Ok(out) = admitted {
            out.into_iter().for_each(|out| self.store.forget(page.varying(out).id()));
            self.store.put(list.clone(), listed(&variants, now), storable.on_disk);
        }
        lists.put(list.id(), variants);
        admitted.ok().map(|_| page.varying(variant))
    }
}

async fn get(store: &Store, key: StoreKey, now: Now) -> Option<Found> {
    let id = key.id();
    let copy = store.get(id, &key, now.wall).await?;
    (copy.why != Why::Variants).then_some(Found { key, id, copy, list: None })
}

/// Most pages have none, which the index knows.
async fn list_of(store: &Store, page: &StoreKey, now: Now) -> Option<Variants> {
    let id = page.list_id();
    if !store.has(id).await {
        return None;
    }
    let key = page.list();
    let list = store.get(id, &key, now.wall).await.filter(|copy| copy.why == Why::Variants)?;
    Variants::read(&list.headers, &list.body)
}

fn variant(store: &Store, variants: &Variants, asked: &Asked) -> Variant {
    Variant::of(variants.names(), &asked.sent(), &store.secret())
}

fn listed(variants: &Variants, now: Now) -> Copy {
    let (headers, body) = variants.written();
    Copy {
        status: StatusCode::OK,
        headers,
        body,
        at_rest: None,
        stored_at: now.wall,
        why: Why::Variants,
        purged: false,
    }
}

fn since_1970(time: UnixMillis) -> Duration {
    Duration::from_millis(time.0)
}

const LISTS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
