//! Pages that are gone. A deleted page must not rise from the dead, but a Tomcat that redeploys
//! answers 404 everywhere for some seconds: so a copy is forgotten only when a second 404 or 410
//! agrees with the first, at least ten seconds later, and no good answer came between.

use crate::key::EntryId;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// The first farewell of each page, of the 10,000 pages asked for last. One that falls out is only
/// forgotten later.
pub struct Farewells {
    since: LruCache<EntryId, Instant>,
}

impl Farewells {
    /// None so far. Takes memory only as farewells come.
    pub fn new() -> Self {
        Self { since: LruCache::sparse(MOST) }
    }

    /// The application answered 404 or 410. True if the copy is to be forgotten now.
    pub fn gone(&mut self, id: EntryId, now: Instant) -> bool {
        let Some(first) = self.since.get(&id) else {
            self.since.put(id, now);
            return false;
        };
        let agreed = now.saturating_duration_since(*first) >= AGREEMENT;
        if agreed {
            self.since.pop(&id);
        }
        agreed
    }

    /// The application answered with the page: whatever was said before does not count.
    pub fn alive(&mut self, id: EntryId) {
        self.since.pop(&id);
    }

    /// No page is in doubt.
    pub fn is_empty(&self) -> bool {
        self.since.is_empty()
    }
}

impl Default for Farewells {
    fn default() -> Self {
        Self::new()
    }
}

const AGREEMENT: Duration = Duration::from_secs(10);
const MOST: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: EntryId = EntryId([1; 16]);

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn a_page_is_forgotten_when_a_second_farewell_agrees_ten_seconds_later() {
        let (mut farewells, start) = (Farewells::new(), Instant::now());
        assert!(!farewells.gone(PAGE, start));
        assert!(!farewells.gone(PAGE, after(start, 9_999)));
        assert!(farewells.gone(PAGE, after(start, 10_000)));
        assert!(!farewells.gone(PAGE, after(start, 10_001)), "a farewell counts once");
    }

    #[test]
    fn a_good_answer_between_takes_the_farewell_back() {
        let (mut farewells, start) = (Farewells::new(), Instant::now());
        farewells.gone(PAGE, start);
        farewells.alive(PAGE);
        assert!(!farewells.gone(PAGE, after(start, 60_000)));
        assert!(farewells.gone(PAGE, after(start, 70_000)));
    }

    #[test]
    fn pages_say_farewell_each_for_itself() {
        let (mut farewells, start) = (Farewells::new(), Instant::now());
        farewells.gone(PAGE, start);
        assert!(!farewells.gone(EntryId([2; 16]), after(start, 20_000)));
        farewells.alive(EntryId([2; 16]));
        assert!(farewells.gone(PAGE, after(start, 20_000)));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_forgets_nothing() {
        let (mut farewells, start) = (Farewells::new(), Instant::now());
        farewells.gone(PAGE, after(start, 20_000));
        assert!(!farewells.gone(PAGE, start));
    }

    #[test]
    fn never_more_than_ten_thousand_farewells_are_kept() {
        let (mut farewells, start) = (Farewells::new(), Instant::now());
        for number in 0..20_000_u128 {
            farewells.gone(EntryId(number.to_be_bytes()), start);
        }
        assert_eq!(farewells.since.len(), 10_000);
    }
}
