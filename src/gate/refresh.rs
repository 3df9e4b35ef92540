//! Whose copies are to be refreshed with the capacity that is left: of requests that were just
//! rescued at a full gate, oldest copy first.

use super::{Client, Key};
use lru::LruCache;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Refreshes<R> {
    wanted: Vec<Wanted<R>>,
    /// Begun lately, and which copy was to be replaced: one that cannot be is not tried all the time.
    begun: LruCache<Key, (u64, Instant)>,
}

#[derive(Debug)]
struct Wanted<R> {
    key: Key,
    client: Client,
    /// When the copy was made, by any clock that rises.
    made: u64,
    asked: Instant,
    request: R,
}

impl<R> Refreshes<R> {
    pub(super) fn new() -> Self {
        Self { wanted: Vec::new(), begun: LruCache::sparse(BEGUN_MAX) }
    }

    /// Remembers what `request` makes, if it is wanted: not one that is on the list or was begun just
    /// now. When there are too many the one with the youngest copy goes; that is returned.
    pub(super) fn want(
        &mut self,
        key: Key,
        client: Client,
        made: u64,
        request: impl FnOnce() -> R,
        now: Instant,
    ) -> Option<R> {
        let is_begun = self
            .begun
            .peek(&key)
            .is_some_and(|(of, at)| *of == made && now.saturating_duration_since(*at) < AGAIN);
        if is_begun {
            return None;
        }
        if let Some(same) = self.wanted.iter_mut().find(|other| other.key == key) {
            (same.asked, same.made) = (now, made);
            return None;
        }
        if self.wanted.len() >= MOST {
            self.expire(now);
        }
        let wanted = |request| Wanted { key, client, made, asked: now, request };
        if self.wanted.len() < MOST {
            self.wanted.push(wanted(request()));
            return None;
        }
        let youngest = self.wanted.iter_mut().max_by_key(|other| other.made)?;
        (made < youngest.made).then(|| std::mem::replace(youngest, wanted(request())).request)
    }

    /// The one with the oldest copy. `but`: of somebody else.
    pub(super) fn take(&mut self, but: Option<Client>, now: Instant) -> Option<R> {
        self.expire(now);
        let others = self.wanted.iter().enumerate().filter(|(_, it)| Some(it.client) != but);
        let (at, _) = others.min_by_key(|(_, wanted)| wanted.made)?;
        let Wanted { key, made, request, .. } = self.wanted.swap_remove(at);
        self.begun.put(key, (made, now));
        Some(request)
    }

    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    fn expire(&mut self, now: Instant) {
        self.wanted.retain(|wanted| now.saturating_duration_since(wanted.asked) < LONGEST);
    }
}

/// Each holds the head of a request, some kilobytes.
const MOST: usize = 256;
const BEGUN_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// Until the same copy is tried to be refreshed again.
const AGAIN: Duration = Duration::from_secs(5);
/// Who was here longer ago than this may have left.
const LONGEST: Duration = Duration::from_secs(10);
