//! How long good answers have taken lately: 95 of a hundred were faster.
//!
//! A ring of the last times and, now and then, the exact answer from it: no histogram to choose
//! borders for, and nothing that an old slow hour could spoil for long.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The times of the last answers. Fixed memory, about 2 KiB.
pub(super) struct Lately {
    ring: Mutex<Ring>,
    /// Microseconds; zero: not known yet.
    p95: AtomicU32,
}

struct Ring {
    micros: [u32; KEPT],
    added: usize,
}

impl Default for Lately {
    fn default() -> Self {
        let ring = Mutex::new(Ring { micros: [0; KEPT], added: 0 });
        Self { ring, p95: AtomicU32::new(0) }
    }
}

impl Lately {
    /// Another one.
    pub(super) fn add(&self, time: Duration) {
        if let Some(p95) = self.ring.lock().add(time) {
            self.p95.store(p95, Ordering::Relaxed);
        }
    }

    /// The time within which 95 of a hundred answers came; `None` until that is worth saying.
    pub(super) fn p95(&self) -> Option<Duration> {
        match self.p95.load(Ordering::Relaxed) {
            0 => None,
            micros => Some(Duration::from_micros(micros.into())),
        }
    }
}

impl Ring {
    /// The new figure, whenever it is worked out anew.
    fn add(&mut self, time: Duration) -> Option<u32> {
        // Zero says that nothing is known. An hour and more is an hour.
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX).max(1);
        self.micros[self.added % KEPT] = micros;
        self.added += 1;
        let due = self.added >= ENOUGH && self.added.is_multiple_of(ANEW);
        let mut micros = self.micros;
        due.then(|| percentile(&mut micros[..self.added.min(KEPT)], 95))
    }
}

/// The smallest time that at least `percent` of a hundred are not above (nearest rank). The times
/// are some, and change their order.
fn percentile(times: &mut [u32], percent: usize) -> u32 {
    let rank = (times.len() * percent).div_ceil(100).max(1);
    *times.select_nth_unstable(rank - 1).1
}

/// Times that count.
const KEPT: usize = 512;
/// Fewer say nothing about one in twenty.
const ENOUGH: usize = 128;
/// Worked out after so many more.
const ANEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn add(lately: &Lately, times: impl IntoIterator<Item = u64>) {
        times.into_iter().for_each(|millis| lately.add(Duration::from_millis(millis)));
    }

    #[test]
    fn until_there_are_enough_nothing_is_said() {
        let lately = Lately::default();
        add(&lately, [7; ENOUGH - 1]);
        assert_eq!(lately.p95(), None);
        add(&lately, [7]);
        assert_eq!(lately.p95(), Some(Duration::from_millis(7)));
    }

    #[test]
    fn one_in_twenty_is_slower() {
        let lately = Lately::default();
        add(&lately, (1..=512).rev());
        assert_eq!(lately.p95(), Some(Duration::from_millis(487)));
    }

    #[test]
    fn what_was_long_ago_does_not_count() {
        let lately = Lately::default();
        add(&lately, [900; 2 * KEPT]);
        add(&lately, [3; KEPT]);
        assert_eq!(lately.p95(), Some(Duration::from_millis(3)));
    }

    #[test]
    fn no_time_at_all_and_a_day_are_times_too() {
        let lately = Lately::default();
        add(&lately, [0; ENOUGH]);
        assert_eq!(lately.p95(), Some(Duration::from_micros(1)));
        add(&lately, [86_400_000; KEPT]);
        assert_eq!(lately.p95(), Some(Duration::from_micros(u32::MAX.into())));
    }

    proptest! {
        #[test]
        fn as_many_as_said_are_not_above(mut times in prop::collection::vec(0..50_u32, 1..600)) {
            let found = percentile(&mut times, 95);
            let not_above = |limit: u32| times.iter().filter(|time| **time <= limit).count() * 100;
            prop_assert!(not_above(found) >= times.len() * 95);
            prop_assert!(found == 0 || not_above(found - 1) < times.len() * 95);
        }
    }
}
