//! Copies of pages that vary: from the key of a page to the copy this very request asks for.

use super::asked::Asked;
use crate::clock::Now;
use crate::key::{StoreKey, Variant};
use crate::policy::{Admitted, Storable, Variants, Why};
use crate::store::{Copy, Store};
use http::StatusCode;
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

/// The key of the copy that comes of an answer to this request, with a place in the list of
/// variants if the page varies. `None`: there is none left.
pub(super) async fn place(
    store: &Store,
    page: StoreKey,
    storable: &Storable,
    asked: &Asked,
    now: Now,
) -> Option<StoreKey> {
    if storable.varies.is_empty() {
        return Some(page);
    }
    let list = store.get(&page, now.wall).await.filter(|copy| copy.why == Why::Variants);
    let known = list.and_then(|list| Variants::read(&list.headers, &list.body));
    let mut variants = match known {
        Some(known) if known.varies_by(&storable.varies) => known,
        outdated => {
            let old = outdated.iter().flat_map(Variants::all);
            old.for_each(|variant| store.forget(page.varying(variant).id()));
            Variants::by(storable.varies.clone())
        }
    };
    let variant = variant(store, &variants, asked);
    let place = page.varying(variant);
    match variants.admit(variant, Duration::from_millis(now.wall.0)) {
        Admitted::Full => return None,
        Admitted::Known => {}
        Admitted::Changed(out) => {
            out.into_iter().for_each(|out| store.forget(page.varying(out).id()));
            store.put(page, listed(&variants, now), storable.on_disk);
        }
    }
    Some(place)
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
