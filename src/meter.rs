//! Counting what happens, for whoever looks: words and how often they were said, times and their
//! extremes. Nothing here decides anything, and nothing grows: the words are the program's own.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often each word of a closed list was said: the reasons, outcomes and refusals that log
/// lines use as well.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    /// One more.
    pub fn up(&self, word: &'static str) {
        *self.0.lock().entry(word).or_default() += 1;
    }

    /// All words said so far, in alphabetical order.
    pub fn read(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().clone()
    }
}

/// Times: how many, how long together, the shortest and the longest.
#[derive(Default)]
pub struct Times {
    count: AtomicU64,
    micros: AtomicU64,
    slowest: AtomicU64,
    /// One more than the shortest, so that zero means none yet.
    fastest: AtomicU64,
}

/// What [`Times`] has seen, in milliseconds where not a count. All zero before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimesRead {
    pub count: u64,
    pub total: f64,
    pub average: f64,
    pub slowest: f64,
    pub fastest: f64,
}

impl Times {
    /// One more, which took `time`.
    pub fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        // Extremes seldom change: look before writing, for all connections share these lines.
        if micros > self.slowest.load(Ordering::Relaxed) {
            self.slowest.fetch_max(micros, Ordering::Relaxed);
        }
        let fastest = self.fastest.load(Ordering::Relaxed);
        if fastest == 0 || micros + 1 < fastest {
            let _ = self.fastest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |fastest| {
                (fastest == 0 || micros + 1 < fastest).then_some(micros + 1)
            });
        }
    }

    /// The figures now.
    pub fn read(&self) -> TimesRead {
        let millis = |micros: u64| micros as f64 / 1000.0;
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let (count, total) = (load(&self.count), millis(load(&self.micros)));
        TimesRead {
            count,
            total,
            average: if count == 0 { 0.0 } else { total / count as f64 },
            slowest: millis(load(&self.slowest)),
            fastest: millis(load(&self.fastest).saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_first_everything_is_zero() {
        assert_eq!(Times::default().read(), TimesRead::default());
    }

    #[test]
    fn extremes_and_average_are_those_of_what_was_added() {
        let times = Times::default();
        for millis in [30, 10, 20] {
            times.add(Duration::from_millis(millis));
        }
        let read = times.read();
        assert_eq!((read.count, read.total, read.average), (3, 60.0, 20.0));
        assert_eq!((read.fastest, read.slowest), (10.0, 30.0));
    }

    #[test]
    fn words_are_counted_each_for_itself() {
        let tally = Tally::default();
        ["b", "a", "b"].into_iter().for_each(|word| tally.up(word));
        assert_eq!(tally.read(), BTreeMap::from([("a", 1), ("b", 2)]));
    }
}
