//! Places that are asked for again and again, worked out once.
//!
//! Most requests ask for what somebody asked for a moment ago. Reading an address and hashing it for
//! the store costs more than all that is then decided by it; so the places asked for last are
//! remembered by the words they were asked for in, and each keeps the ids of the copies that are
//! everybody's. Nothing here says who asks: an address that held an id of any kind is read anew
//! every time.

use super::place::Read;
use super::variant::LIST;
use super::{EntryId, Identity, Place, hashed};
use crate::headers::Scheme;
use http::{HeaderValue, Uri};
use parking_lot::Mutex;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A place, shared by all who ask for it. Equal if the place is.
#[derive(Clone)]
pub struct SharedPlace(Arc<Shared>);

struct Shared {
    place: Place,
    page: OnceLock<EntryId>,
    list: OnceLock<EntryId>,
}

impl SharedPlace {
    /// The id of the copy that is nobody's in particular, of somebody who was told nothing.
    pub fn id(&self) -> EntryId {
        *self.0.page.get_or_init(|| hashed(self, &Identity::Anonymous, b""))
    }

    /// The id of the list of that copy's variants.
    pub(super) fn list_id(&self) -> EntryId {
        *self.0.list.get_or_init(|| hashed(self, &Identity::Anonymous, LIST))
    }
}

impl From<Place> for SharedPlace {
    fn from(place: Place) -> Self {
        Self(Arc::new(Shared { place, page: OnceLock::new(), list: OnceLock::new() }))
    }
}

impl Deref for SharedPlace {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0.place
    }
}

impl PartialEq for SharedPlace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Eq for SharedPlace {}

impl fmt::Display for SharedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for SharedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The places asked for last. One for all requests that are read with the same settings.
pub struct Places {
    /// By the hash of the words; a newcomer takes the place of whoever is there.
    slots: Box<[Mutex<Option<Box<Known>>>]>,
    hasher: RandomState,
}

/// The words of a request, and what they mean.
struct Known {
    scheme: Scheme,
    host: Box<[u8]>,
    target: Box<str>,
    read: Read,
}

impl Default for Places {
    fn default() -> Self {
        Self::remembering(SLOTS)
    }
}

impl Places {
    /// At most so many, and one at least.
    pub fn remembering(slots: usize) -> Self {
        let slots = (0..slots.max(1)).map(|_| Mutex::default()).collect();
        Self { slots, hasher: RandomState::new() }
    }

    /// What these words were read as before.
    pub(super) fn get(&self, words: Words<'_>) -> Option<Read> {
        let slot = self.slot(words).lock();
        let known = slot.as_deref().filter(|known| known.is(words))?;
        Some(known.read.clone())
    }

    /// Remembers what these words were read as. They must be all that it was read from.
    pub(super) fn put(&self, words: Words<'_>, read: &Read) {
        let (scheme, host, target) = words;
        if host.len() + target.len() <= LONGEST_BYTES {
            let (host, target) = (host.into(), target.into());
            let known = Box::new(Known { scheme, host, target, read: read.clone() });
            // What was there is let go of without the lock.
            let before = self.slot(words).lock().replace(known);
            drop(before);
        }
    }

    fn slot(&self, (scheme, host, target): Words<'_>) -> &Mutex<Option<Box<Known>>> {
        let mut hasher = self.hasher.build_hasher();
        // Where one ends does not matter: equal hashes cost no more than a look.
        hasher.write(target.as_bytes());
        hasher.write(host);
        hasher.write_u8(scheme as u8);
        let hash = hasher.finish() as usize;
        &self.slots[hash % self.slots.len()]
    }
}

impl Known {
    fn is(&self, (scheme, host, target): Words<'_>) -> bool {
        self.scheme == scheme && *self.host == *host && *self.target == *target
    }
}

/// Scheme, `Host` and target as they came: all that a place is read from.
pub(super) type Words<'a> = (Scheme, &'a [u8], &'a str);

/// `None` for what is not asked for in these words alone.
pub(super) fn words<'a>(
    scheme: Scheme,
    host: Option<&'a HeaderValue>,
    uri: &'a Uri,
) -> Option<Words<'a>> {
    match uri.authority() {
        None => Some((scheme, host?.as_bytes(), uri.path_and_query()?.as_str())),
        Some(_) => None,
    }
}

/// With the longest addresses they take about 3 MiB, usually a fifth of it.
const SLOTS: usize = 2048;
/// Host and target that are worth remembering.
const LONGEST_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::super::tests::get;
    use super::super::{Settings, StoreKey};
    use super::*;

    #[test]
    fn what_was_asked_for_before_is_the_same_place_in_memory() {
        let places = Places::default();
        let settings = Settings::default();
        let key = |target| get(target).key_by(&places, &settings);
        let (first, second) = (key("/%7Ea?b"), key("/%7Ea?b"));
        assert!(Arc::ptr_eq(&first.place.0, &second.place.0));
        assert_eq!((first.may_store, second.may_store), (false, false), "it stays oddly spelled");
        // Other words for it.
        assert!(!Arc::ptr_eq(&first.place.0, &key("/~a?b").place.0));
    }

    #[test]
    fn other_words_in_the_same_slot_are_another_place() {
        let (places, settings) = (Places::remembering(1), Settings::default());
        let read = |scheme, host: &str, target: &str| {
            let request = http::Request::get(target).header("host", host).body(()).unwrap();
            let key = places.key(scheme, &request.into_parts().0, &settings).unwrap();
            key.place.to_string()
        };
        for _ in 0..2 {
            // Each differs from the one before it in one of the words.
            for (scheme, host, target) in [
                (Scheme::Http, "a", "/b"),
                (Scheme::Http, "b", "/b"),
                (Scheme::Https, "b", "/b"),
                (Scheme::Https, "b", "/b?"),
            ] {
                let expected = format!("{}://{host}{target}", scheme.as_str());
                assert_eq!(read(scheme, host, target), expected);
            }
        }
    }

    #[test]
    fn ids_are_those_of_their_keys_whoever_asked_first() {
        let secret = super::super::tests::SECRET;
        for persons_first in [false, true] {
            let person = get("/a").with("cookie", "sid=1").key();
            let told = get("/a").with("x-host", "b").key();
            let place = person.place.clone();
            let key = |identity, variant: &[u8], place: &SharedPlace| StoreKey {
                place: place.clone(),
                identity,
                variant: variant.to_vec(),
            };
            let identities = [Identity::Anonymous, person.visitor.identity(&secret)];
            let variants = [&[][..], &told.variant];
            let all = identities.iter().flat_map(|it| variants.map(|variant| (it, variant)));
            let mut all: Vec<_> = all.collect();
            if persons_first {
                all.reverse();
            }
            for (identity, variant) in all {
                let known = key(identity.clone(), variant, &place);
                let fresh = key(identity.clone(), variant, &Place::clone(&place).into());
                assert_eq!(known.list_id(), fresh.list().id());
                assert_eq!(known.id(), hashed(&fresh.place, identity, variant));
            }
        }
    }

    #[test]
    fn an_address_with_an_id_is_read_anew() {
        let places = Places::default();
        let settings = Settings::default();
        for target in ["/a;jsessionid=1", "/a?PHPSESSID=1"] {
            for _ in 0..2 {
                let key = get(target).key_by(&places, &settings);
                assert!(!key.visitor.is_anonymous(), "{target}");
            }
        }
    }

    #[test]
    fn a_long_address_is_not_worth_remembering() {
        let places = Places::remembering(1);
        let target = format!("/{}", "a".repeat(LONGEST_BYTES));
        get(&target).key_by(&places, &Settings::default());
        assert!(places.slots[0].lock().is_none());
    }
}
