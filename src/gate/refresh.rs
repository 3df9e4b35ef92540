//! Whose copies are to be refreshed with the capacity that is left: of requests that were just
//! rescued at a full gate, oldest copy first.

use super::{Client, Key};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Refreshes<R> {
    wanted: Vec<Wanted<R>>,
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
        Self { wanted: Vec::new() }
    }

    /// Remembers a request; the one with the youngest copy goes when there are too many.
    pub(super) fn want(&mut self, key: Key, client: Client, made: u64, request: R, now: Instant) {
        let wanted = Wanted { key, client, made, asked: now, request };
        if let Some(same) = self.wanted.iter_mut().find(|other| other.key == key) {
            *same = wanted;
            return;
        }
        if self.wanted.len() < MOST {
            self.wanted.push(wanted);
        } else if let Some(youngest) = self.wanted.iter_mut().max_by_key(|other| other.made)
            && made < youngest.made
        {
            *youngest = wanted;
        }
    }

    /// The one with the oldest copy. `but`: of somebody else.
    pub(super) fn take(&mut self, but: Option<Client>, now: Instant) -> Option<R> {
        self.wanted.retain(|wanted| now.saturating_duration_since(wanted.asked) < LONGEST);
        let others = self.wanted.iter().enumerate().filter(|(_, it)| Some(it.client) != but);
        let (at, _) = others.min_by_key(|(_, wanted)| wanted.made)?;
        Some(self.wanted.swap_remove(at).request)
    }

    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }
}

/// Each holds the head of a request, some kilobytes.
const MOST: usize = 256;
/// Who was here longer ago than this may have left.
const LONGEST: Duration = Duration::from_secs(10);
