//! Copies of pages that vary: from the key of a page to the copy this very request asks for.

use super::Proxy;
use super::asked::Asked;
use crate::clock::Now;
use crate::key::{EntryId, StoreKey, Variant};
use crate::policy::{Admitted, Storable, Variants, Why};
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
    pub(super) copy: Arc<Copy>,
}

/// What stands under this key, or the variant of it that this request asks for.
pub(super) async fn find(store: &Store, key: StoreKey, asked: &Asked, now: Now) -> Option<Found> {
    let copy = store.get(&key, now.wall).await?;
    if copy.why != Why::Variants {
        return Some(Found { key, copy });
    }
    let variants = Variants::read(&copy.headers, &copy.body)?;
    let key = key.varying(variant(store, &variants, asked));
    let copy = store.get(&key, now.wall).await?;
    Some(Found { key, copy })
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
    /// The key of the copy that comes of an answer to this request, with a place in the list of
    /// variants if the page varies. `None`: there is none left.
    pub(super) async fn place(
        &self,
        page: StoreKey,
        storable: &Storable,
        asked: &Asked,
        now: Now,
    ) -> Option<StoreKey> {
        if storable.varies.is_empty() {
            return Some(page);
        }
        let written = written(&self.store, &page, now).await;
        let since_1970 = Duration::from_millis(now.wall.0);
        let mut lists = self.variants.0.lock();
        let counts = |list: &Variants| written.is_some() || list.is_new(since_1970);
        let known = lists.pop(&page.id()).filter(counts).or(written);
        let mut variants = match known {
            Some(known) if known.varies_by(&storable.varies) => known,
            outdated => {
                let old = outdated.iter().flat_map(Variants::all);
                old.for_each(|variant| self.store.forget(page.varying(variant).id()));
                Variants::by(storable.varies.clone())
            }
        };
        let variant = variant(&self.store, &variants, asked);
        let (id, place) = (page.id(), page.varying(variant));
        let admitted = variants.admit(variant, since_1970);
        if let Admitted::Changed(out) = admitted {
            out.into_iter().for_each(|out| self.store.forget(page.varying(out).id()));
            self.store.put(page, listed(&variants, now), storable.on_disk);
        }
        lists.put(id, variants);
        (admitted != Admitted::Full).then_some(place)
    }
}

/// The list as it is in the store.
async fn written(store: &Store, page: &StoreKey, now: Now) -> Option<Variants> {
    let list = store.get(page, now.wall).await.filter(|copy| copy.why == Why::Variants)?;
    Variants::read(&list.headers, &list.body)
}

fn variant(store: &Store, variants: &Variants, asked: &Asked) -> Variant {
    Variant::of(variants.names(), &asked.head.headers, &store.secret())
}

fn listed(variants: &Variants, now: Now) -> Copy {
    let (headers, body) = variants.written();
    Copy {
        status: StatusCode::OK,
        headers,
        body,
        stored_at: now.wall,
        why: Why::Variants,
        purged: false,
    }
}

const LISTS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
