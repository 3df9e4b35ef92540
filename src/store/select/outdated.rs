//! Pages that were changed after their copies were made (RFC 9111 section 4.4): whose copies are
//! out of date, whoever they belong to, and since when.

use crate::clock::UnixMillis;
use crate::key::Place;
use lru::LruCache;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;

/// By a hash of each address, so that none takes much room; the 10,000 changed last, in which a
/// sweep of the file soon makes room. One that falls out before is known no more: its copies stay.
#[derive(Clone, Debug)]
pub struct Outdated {
    places: LruCache<u64, UnixMillis>,
    hasher: RandomState,
}

impl Outdated {
    /// What was stored of this place until now is out of date. False: another place's mark fell
    /// out for it.
    pub fn mark(&mut self, place: &Place, now: UnixMillis) -> bool {
        let place = self.hasher.hash_one(place);
        self.places.push(place, now).is_none_or(|(gone, _)| gone == place)
    }

    /// Is this copy out of date? One of the same millisecond is: it may have come before.
    pub fn means(&self, place: &Place, stored_at: UnixMillis) -> bool {
        let marked = |place| self.places.peek(&place).is_some_and(|since| stored_at <= *since);
        !self.is_empty() && marked(self.hasher.hash_one(place))
    }

    /// The copies that `done` means are gone; what was marked since is not done.
    pub fn forget(&mut self, done: &Self) {
        for (place, since) in &done.places {
            if self.places.peek(place) == Some(since) {
                self.places.pop(place);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl Default for Outdated {
    fn default() -> Self {
        Self { places: LruCache::sparse(MOST), hasher: RandomState::new() }
    }
}

const MOST: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: impl ToString) -> Place {
        let path = path.to_string();
        Place { scheme: "http".into(), host: "a".into(), path, query: String::new() }
    }

    #[test]
    fn what_was_stored_before_a_change_is_out_of_date_until_it_is_gone() {
        let mut outdated = Outdated::default();
        assert!(outdated.is_empty() && outdated.mark(&place("/a"), UnixMillis(100)));
        for (stored_at, meant) in [(99, true), (100, true), (101, false)] {
            assert_eq!(outdated.means(&place("/a"), UnixMillis(stored_at)), meant, "{stored_at}");
        }
        assert!(!outdated.means(&place("/b"), UnixMillis(99)));
        let done = outdated.clone();
        assert!(
            outdated.mark(&place("/a"), UnixMillis(200))
                && outdated.mark(&place("/b"), UnixMillis(1))
        );
        outdated.forget(&done);
        assert!(outdated.means(&place("/a"), UnixMillis(200)), "that came after the sweep began");
        outdated.forget(&outdated.clone());
        assert!(outdated.is_empty());
    }

    #[test]
    fn never_more_than_ten_thousand_are_marked() {
        let mut outdated = Outdated::default();
        assert!((0..10_000).all(|number| outdated.mark(&place(number), UnixMillis(1))));
        assert!(outdated.mark(&place(9_999), UnixMillis(2)));
        assert!(!outdated.mark(&place("more"), UnixMillis(1)));
        assert_eq!(outdated.places.len(), 10_000);
    }
}
