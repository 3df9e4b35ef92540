//! A body that is copied while it streams: bounded by itself and, over all bodies being copied at
//! one time, by a budget.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that all captures together may hold.
#[derive(Clone)]
pub struct Budget(Arc<AtomicU64>);

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    /// Begins a capture of at most `limit` bytes; `expected` is what the sender announced.
    pub fn capture(&self, limit: u64, expected: Option<u64>) -> Capture {
        let expected = expected.unwrap_or(0).min(limit).min(LARGEST_GUESS) as usize;
        Capture { budget: self.clone(), taken: 0, limit, expected, body: Body::One(Bytes::new()) }
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// One body being copied. What it took of the budget goes back when it is dropped.
pub struct Capture {
    budget: Budget,
    taken: u64,
    limit: u64,
    expected: usize,
    body: Body,
}

/// Most bodies come in one frame, which need not be copied before somebody wants to keep it.
enum Body {
    One(Bytes),
    Many(Vec<u8>),
}

/// Why a capture was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Longer than one copy may be.
    Body,
    /// All captures together are at their budget.
    Budget,
}

impl Full {
    /// For log and counter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "too-large",
            Self::Budget => "capture-budget",
        }
    }
}

impl Capture {
    /// Takes one frame's bytes. After an error the capture is of no use.
    pub fn push(&mut self, data: &Bytes) -> Result<(), Full> {
        let more = data.len() as u64;
        if self.taken + more > self.limit {
            return Err(Full::Body);
        }
        if !self.budget.take(more) {
            return Err(Full::Budget);
        }
        self.taken += more;
        match &mut self.body {
            Body::One(first) if first.is_empty() => *first = data.clone(),
            Body::One(first) => {
                let mut all = Vec::with_capacity(self.expected.max(first.len() + data.len()));
                all.extend_from_slice(first);
                all.extend_from_slice(data);
                self.body = Body::Many(all);
            }
            Body::Many(all) => all.extend_from_slice(data),
        }
        Ok(())
    }

    /// What has come so far.
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::One(first) => first,
            Body::Many(all) => all,
        }
    }

    /// The whole body, in a buffer of its own size: a frame is a slice of the buffer it was read
    /// into, and would keep all of that in memory.
    pub fn finish(mut self) -> Bytes {
        match std::mem::replace(&mut self.body, Body::One(Bytes::new())) {
            Body::One(first) => Bytes::copy_from_slice(&first),
            Body::Many(mut all) => {
                all.shrink_to_fit();
                Bytes::from(all)
            }
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.budget.give_back(self.taken);
    }
}

/// An announced length is only a promise: more than this is not set aside before it comes.
const LARGEST_GUESS: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_longer_than_its_limit_is_given_up() {
        let mut capture = Budget::new(100).capture(4, Some(9));
        assert_eq!(capture.push(&Bytes::from_static(b"abcd")), Ok(()));
        assert_eq!(capture.push(&Bytes::from_static(b"e")), Err(Full::Body));
    }

    #[test]
    fn all_captures_share_one_budget_and_give_it_back() {
        let budget = Budget::new(6);
        let mut first = budget.capture(10, None);
        let mut second = budget.capture(10, None);
        assert_eq!(first.push(&Bytes::from_static(b"abcd")), Ok(()));
        assert_eq!(second.push(&Bytes::from_static(b"abc")), Err(Full::Budget));
        assert_eq!(first.finish(), "abcd");
        assert_eq!(second.push(&Bytes::from_static(b"abc")), Ok(()));
    }
}
