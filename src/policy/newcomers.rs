//! Queries that come once. A client that asks for `/list?random=1`, `?random=2` and so on makes a new
//! page with each request, and must fill neither memory nor file with pages that nobody asks for
//! again. So new pages with a query are kept at once only as long as one client does not bring more
//! than a visitor or a crawler does; past that a page is kept when it is asked for a second time.

use crate::key::EntryId;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Who brought how many, and what was brought and not kept. Bounded: about 1 MB.
pub struct Newcomers {
    allowances: LruCache<u64, Allowance>,
    asked_before: LruCache<EntryId, ()>,
}

/// New pages that one client may bring under one path.
#[derive(Clone, Copy)]
struct Allowance {
    left: f64,
    as_of: Instant,
}

impl Newcomers {
    /// None so far. Takes memory only as they come.
    pub fn new() -> Self {
        Self { allowances: LruCache::sparse(CLIENTS), asked_before: LruCache::sparse(PAGES) }
    }

    /// May this page be kept, of which there is no copy yet? `bringer`: the client and the path.
    pub fn admit(&mut self, bringer: u64, page: EntryId, now: Instant) -> bool {
        let allowance =
            self.allowances.get_or_insert_mut(bringer, || Allowance { left: AT_ONCE, as_of: now });
        allowance.take(now) || self.asked_before.put(page, ()).is_some()
    }
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.as_of);
        self.left = (self.left + passed.as_secs_f64() / EACH.as_secs_f64()).min(AT_ONCE);
        self.as_of = now;
        let has_some = self.left >= 1.0;
        if has_some {
            self.left -= 1.0;
        }
        has_some
    }
}

impl Default for Newcomers {
    fn default() -> Self {
        Self::new()
    }
}

/// As many as a crawler may find of one list; then one in each such time.
const AT_ONCE: f64 = 1_000.0;
const EACH: Duration = Duration::from_secs(2);
const CLIENTS: NonZeroUsize = NonZeroUsize::new(2_048).unwrap();
/// Pages remembered because they came once.
const PAGES: NonZeroUsize = NonZeroUsize::new(8_192).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> EntryId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        EntryId(id)
    }

    #[test]
    fn one_client_brings_a_thousand_at_once_and_then_one_in_two_seconds() {
        let (mut newcomers, start) = (Newcomers::new(), Instant::now());
        let kept = |newcomers: &mut Newcomers, from: u32, bringer, now| {
            (from..from + 5_000)
                .filter(|number| newcomers.admit(bringer, page(*number), now))
                .count()
        };
        assert_eq!(kept(&mut newcomers, 0, 1, start), 1_000);
        assert_eq!(kept(&mut newcomers, 10_000, 1, start + Duration::from_secs(20)), 10);
        assert_eq!(kept(&mut newcomers, 20_000, 2, start), 1_000, "another client, or path");
        let later = start + Duration::from_secs(100_000);
        assert_eq!(kept(&mut newcomers, 30_000, 1, later), 1_000);
    }

    #[test]
    fn what_is_asked_for_again_is_kept() {
        let (mut newcomers, start) = (Newcomers::new(), Instant::now());
        (0..1_000).for_each(|number| assert!(newcomers.admit(1, page(number), start)));
        assert!(!newcomers.admit(1, page(5_000), start));
        assert!(newcomers.admit(1, page(5_000), start));
    }
}
