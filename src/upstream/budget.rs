//! How much may be sent more than once.
//!
//! An application that fails is not helped by twice the requests. So whatever goes to it beside
//! the requests themselves, retries and hedges alike, is paid for out of one bucket: a share of
//! the requests flows in, and ten a second, which lets a quiet site retry at all. What flows in is
//! counted by a request with one atomic addition and added up when somebody wants to take.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A bucket of whole tries, shared by all requests.
pub(super) struct Budget {
    /// `retry.budget`: what one request adds.
    share: u64,
    /// Requests whose share has not been added yet.
    requests: AtomicU64,
    bucket: Mutex<Bucket>,
}

/// In millionths of a try, so that parts add up to the whole.
struct Bucket {
    tokens: u64,
    /// Until when the seconds have been added.
    filled: Instant,
}

impl Budget {
    /// Holds one second's worth. A request adds `share` of a try, 0 to 1.
    pub(super) fn new(share: f64, now: Instant) -> Self {
        let share = (share.clamp(0.0, 1.0) * ONE as f64).round() as u64;
        let bucket = Mutex::new(Bucket { tokens: A_SECOND, filled: now });
        Self { share, requests: AtomicU64::new(0), bucket }
    }

    /// A request has come, however often it will be sent.
    pub(super) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// One more try; false: there is nothing left for it now.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock();
        let micros = now.saturating_duration_since(bucket.filled).as_micros();
        bucket.filled = bucket.filled.max(now);
        // A second has as many microseconds as a try has parts.
        bucket.add(u64::try_from(micros).unwrap_or(u64::MAX).saturating_mul(A_SECOND / ONE));
        let requests = self.requests.swap(0, Ordering::Relaxed);
        bucket.add(requests.saturating_mul(self.share));
        let left = bucket.tokens.checked_sub(ONE);
        bucket.tokens = left.unwrap_or(bucket.tokens);
        left.is_some()
    }

    /// What was taken has not been used.
    pub(super) fn give_back(&self) {
        self.bucket.lock().add(ONE);
    }
}

impl Bucket {
    /// Nothing was taken since the last time, so cutting off now is cutting off all along.
    fn add(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens).min(MOST);
    }
}

/// One try.
const ONE: u64 = 1_000_000;
/// Tries a second beside the share of requests.
const A_SECOND: u64 = 10 * ONE;
/// What a quiet time leaves for a bad moment: ten of its seconds.
const MOST: u64 = 10 * A_SECOND;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn take_all(budget: &Budget, now: Instant) -> usize {
        (0..10_000).take_while(|_| budget.take(now)).count()
    }

    #[test]
    fn ten_a_second_and_a_tenth_of_the_requests() {
        let start = Instant::now();
        let budget = Budget::new(0.1, start);
        assert_eq!(take_all(&budget, start), 10);
        assert_eq!(take_all(&budget, start + Duration::from_secs(1)), 10);
        (0..500).for_each(|_| budget.request());
        assert_eq!(take_all(&budget, start + Duration::from_secs(1)), 50);
        (0..500).for_each(|_| budget.request());
        assert_eq!(take_all(&budget, start + Duration::from_secs(2)), 60);
    }

    #[test]
    fn parts_of_a_try_add_up() {
        let start = Instant::now();
        let budget = Budget::new(0.1, start);
        take_all(&budget, start);
        for _ in 0..9 {
            budget.request();
            assert!(!budget.take(start));
        }
        budget.request();
        assert!(budget.take(start) && !budget.take(start));
    }

    #[test]
    fn a_quiet_week_and_a_billion_requests_save_up_a_hundred() {
        let start = Instant::now();
        let budget = Budget::new(1.0, start);
        let week = start + Duration::from_secs(7 * 86_400);
        assert_eq!(take_all(&budget, week), 100);
        budget.requests.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(take_all(&budget, week), 100);
        // An earlier moment, as another thread may have read it, adds nothing.
        assert_eq!(take_all(&budget, start), 0);
    }

    #[test]
    fn what_was_not_used_comes_back() {
        let start = Instant::now();
        let budget = Budget::new(0.0, start);
        take_all(&budget, start);
        budget.give_back();
        assert_eq!(take_all(&budget, start), 1);
    }
}
