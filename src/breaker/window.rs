//! The rolling window: what ended in the last `breaker.window`, in ten buckets.
//!
//! Buckets instead of a list of outcomes, so that memory does not grow with traffic; the price is
//! that the window is between nine and ten tenths long. It knows no clock: it moves when it is
//! asked or told something, and a `now` that goes backwards lands in the newest bucket.

use super::spread::Spread;
use std::time::{Duration, Instant};

const BUCKETS: usize = 10;

/// One breaker's rolling counts.
#[derive(Clone, Debug)]
pub(super) struct Window {
    buckets: [Counts; BUCKETS],
    /// The newest bucket's number; buckets are numbered from the window's beginning.
    tick: u64,
    /// When the newest bucket began; `None` until the first look.
    started: Option<Instant>,
    width: Duration,
    failing: Spread,
    slow: Spread,
}

/// What ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) total: u32,
    /// Failures of the connection: they speak for the application, whatever the path.
    pub(super) transport: u32,
    /// All other failures: they speak for their path.
    pub(super) answers: u32,
    pub(super) slow: u32,
}

impl Counts {
    pub(super) fn failures(self) -> u32 {
        self.transport.saturating_add(self.answers)
    }

    fn add(&mut self, other: Counts) {
        self.total = self.total.saturating_add(other.total);
        self.transport = self.transport.saturating_add(other.transport);
        self.answers = self.answers.saturating_add(other.answers);
        self.slow = self.slow.saturating_add(other.slow);
    }
}

impl Window {
    pub(super) fn new(span: Duration) -> Self {
        Self {
            buckets: [Counts::default(); BUCKETS],
            tick: 0,
            started: None,
            width: (span / BUCKETS as u32).max(Duration::from_nanos(1)),
            failing: Spread::default(),
            slow: Spread::default(),
        }
    }

    /// Forgets what is too old at `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        let started = *self.started.get_or_insert(now);
        let passed = now.saturating_duration_since(started).as_nanos() / self.width.as_nanos();
        if passed >= BUCKETS as u128 {
            self.turn(BUCKETS as u32);
            self.started = Some(now);
        } else {
            let passed = passed as u32; // below BUCKETS
            self.turn(passed);
            self.started = Some(started + self.width * passed);
        }
    }

    /// Counts what ended now.
    pub(super) fn add(&mut self, path: u64, ended: Counts, now: Instant) {
        self.advance(now);
        let newest = self.slot();
        self.buckets[newest].add(ended);
        if ended.answers > 0 {
            self.failing.note(path, self.tick);
        }
        if ended.slow > 0 {
            self.slow.note(path, self.tick);
        }
    }

    /// Counts what a window before a restart held, as if it had all ended `then`.
    pub(super) fn restore(
        &mut self,
        ended: Counts,
        failing_paths: usize,
        slow_paths: usize,
        then: Instant,
    ) {
        self.advance(then);
        let newest = self.slot();
        self.buckets[newest].add(ended);
        self.failing = Spread::of_strangers(failing_paths, self.tick);
        self.slow = Spread::of_strangers(slow_paths, self.tick);
    }

    /// The sum of all buckets, as of the last `advance` or `add`.
    pub(super) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.buckets.iter().for_each(|bucket| sum.add(*bucket));
        sum
    }

    /// The paths that failed (not by the connection): exact below `spread::ENOUGH`.
    pub(super) fn failing_paths(&self) -> impl Iterator<Item = u64> + '_ {
        self.failing.since(self.oldest())
    }

    /// The paths that were slow: exact below `spread::ENOUGH`.
    pub(super) fn slow_paths(&self) -> impl Iterator<Item = u64> + '_ {
        self.slow.since(self.oldest())
    }

    pub(super) fn clear(&mut self) {
        self.buckets = [Counts::default(); BUCKETS];
        self.failing = Spread::default();
        self.slow = Spread::default();
    }

    fn turn(&mut self, buckets: u32) {
        for _ in 0..buckets {
            self.tick += 1;
            let newest = self.slot();
            self.buckets[newest] = Counts::default();
        }
    }

    fn slot(&self) -> usize {
        (self.tick % BUCKETS as u64) as usize
    }

    fn oldest(&self) -> u64 {
        self.tick.saturating_sub(BUCKETS as u64 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPAN: Duration = Duration::from_secs(10);

    fn failed() -> Counts {
        Counts { total: 1, answers: 1, ..Counts::default() }
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn an_outcome_leaves_the_window_after_its_span() {
        let base = Instant::now();
        let mut window = Window::new(SPAN);
        window.add(1, failed(), base);
        window.advance(base + ms(8_999));
        assert_eq!((window.counts(), window.failing_paths().count()), (failed(), 1));
        window.advance(base + ms(10_000));
        assert_eq!((window.counts(), window.failing_paths().count()), (Counts::default(), 0));
    }

    #[test]
    fn a_window_after_a_long_sleep_is_empty() {
        let base = Instant::now();
        let mut window = Window::new(SPAN);
        window.add(1, failed(), base);
        window.add(2, failed(), base + Duration::from_secs(1_000_000));
        assert_eq!((window.counts(), window.failing_paths().count()), (failed(), 1));
    }

    #[test]
    fn a_clock_that_goes_backwards_counts_in_the_newest_bucket() {
        let base = Instant::now();
        let mut window = Window::new(SPAN);
        window.add(1, failed(), base + SPAN);
        window.add(1, failed(), base);
        assert_eq!(window.counts().failures(), 2);
    }

    #[test]
    fn a_window_of_no_length_does_not_divide_by_zero() {
        let base = Instant::now();
        let mut window = Window::new(Duration::ZERO);
        window.add(1, failed(), base);
        window.add(1, failed(), base + ms(1));
        assert_eq!(window.counts().failures(), 1);
    }

    proptest! {
        #[test]
        fn nothing_younger_than_nine_tenths_is_lost_and_nothing_older_than_the_span_stays(
            gaps in proptest::collection::vec(0u64..4_000, 1..60),
        ) {
            let base = Instant::now();
            let mut window = Window::new(SPAN);
            let mut now = 0;
            let times: Vec<u64> = gaps.iter().map(|gap| { now += gap; now }).collect();
            for &at in &times {
                window.add(1, failed(), base + ms(at));
            }
            let younger = |than: u64| times.iter().filter(|&&at| now - at < than).count() as u32;
            let counted = window.counts().failures();
            prop_assert!(younger(9_000) <= counted && counted <= younger(10_000));
        }
    }
}
