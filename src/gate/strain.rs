//! How much slower the application is than when it has room: what crowding costs.
//!
//! Pages differ in what they cost, so latencies are compared page by page. Each latency is taken for
//! a product: what this path usually costs, times the strain that all share. A strain of 2: calls
//! take twice as long as they would alone, so half of those inside only wait.
//!
//! What is "usual" is learned while there is room, and, where there never was, from the lowest
//! strain seen. It can be wrong (the application itself became slower): then the limiter finds out
//! by trying, and calls [`Strain::rebase`].

use lru::LruCache;
use std::num::NonZeroUsize;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Strain {
    /// By path, in units of `unit`.
    costs: LruCache<u64, Cost>,
    unit: f64,
    strain: f64,
    /// The mean of what was asked for lately, like `costs`.
    cost: f64,
}

/// What a call took, and what its page usually costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relation {
    pub(super) seconds: f64,
    pub(super) cost: f64,
}

/// What a call of one path takes alone: the mean of those seen, later of the last ones.
#[derive(Clone, Copy, Debug)]
struct Cost {
    seconds: f64,
    seen: f64,
}

impl Strain {
    pub(super) fn new() -> Self {
        Self { costs: LruCache::sparse(PATHS_MAX), unit: 1.0, strain: 1.0, cost: 0.0 }
    }

    /// 1 is none.
    pub(super) fn now(&self) -> f64 {
        self.strain
    }

    /// A good call of this path has taken so long. `crowded`: half of the places or more were taken
    /// when it began. `None`
    /// for a path that is new.
    pub(super) fn learn(
        &mut self,
        path: u64,
        latency: Duration,
        crowded: bool,
    ) -> Option<Relation> {
        let seconds = latency.as_secs_f64().max(SHORTEST);
        let alone = seconds / (self.strain * self.unit);
        let Some(cost) = self.costs.get_mut(&path) else {
            self.costs.put(path, Cost { seconds: alone, seen: 1.0 });
            return None;
        };
        let relation = Relation { seconds, cost: cost.seconds };
        let ratio = (seconds / (cost.seconds * self.unit)).min(MOST);
        self.cost += (cost.seconds - self.cost) / STRAIN_MEAN;
        // By cost: what a short page waits for is what a long one costs.
        let weight = (cost.seconds / self.cost.max(SHORTEST) / STRAIN_MEAN).min(MOST_WEIGHT);
        if crowded {
            cost.learn(alone, 1.0, LONG_MEAN);
            self.strain += (ratio - self.strain) * weight;
        } else {
            cost.learn(seconds / self.unit, LONG_MEAN / SHORT_MEAN, SHORT_MEAN);
            self.strain += (1.0 - self.strain) / STRAIN_MEAN;
        }
        // It was not as usual as it seemed, if there is less strain than none.
        self.unit *= 1.0 - (1.0 - self.strain).max(0.0) / STRAIN_MEAN;
        Some(relation)
    }

    /// What is now is usual.
    pub(super) fn rebase(&mut self) {
        self.unit *= self.strain;
        self.strain = 1.0;
    }
}

impl Cost {
    /// `weight`: what the others of the last `mean_of` count against it.
    fn learn(&mut self, seconds: f64, weight: f64, mean_of: f64) {
        self.seen = (self.seen + weight).min(LONG_MEAN);
        self.seconds += (seconds - self.seconds) / self.seen.min(mean_of);
    }
}

/// Pages that are told apart: those asked for last.
const PATHS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// A latency that is not above zero would divide by it, seconds.
const SHORTEST: f64 = 1e-6;
/// One call that hung is not to hide what the others say.
const MOST: f64 = 10.0;
const MOST_WEIGHT: f64 = 0.25;
/// Over so many calls goes the strain, and what a path costs: in a crowd it is not to be taken for
/// its cost, so that is learned slowly there.
const STRAIN_MEAN: f64 = 24.0;
const SHORT_MEAN: f64 = 16.0;
const LONG_MEAN: f64 = 512.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls of these pages in turn, by their milliseconds.
    fn learn(strain: &mut Strain, times: usize, pages: &[(u64, u64)], crowded: bool) {
        for (path, ms) in pages.iter().cycle().take(times) {
            strain.learn(*path, Duration::from_millis(*ms), crowded);
        }
    }

    #[test]
    fn strain_is_what_all_paths_share() {
        let mut strain = Strain::new();
        learn(&mut strain, 200, &[(1, 5), (2, 500)], false);
        learn(&mut strain, 200, &[(1, 15), (2, 1500)], true);
        assert!((2.7..3.1).contains(&strain.now()), "{}", strain.now());
    }

    #[test]
    fn another_mix_of_pages_is_no_strain() {
        let mut strain = Strain::new();
        learn(&mut strain, 50, &[(1, 5)], false);
        learn(&mut strain, 50, &[(2, 500)], false);
        learn(&mut strain, 200, &[(2, 500), (2, 500), (1, 5)], true);
        assert!((0.99..1.01).contains(&strain.now()), "{}", strain.now());
    }

    #[test]
    fn a_start_in_a_crowd_is_seen_for_what_it_was_when_there_is_room() {
        let mut strain = Strain::new();
        learn(&mut strain, 50, &[(1, 60)], true);
        assert_eq!(strain.now(), 1.0);
        learn(&mut strain, 200, &[(1, 20)], true);
        learn(&mut strain, 100, &[(1, 60)], true);
        assert!(strain.now() > 2.0, "{}", strain.now());
    }

    #[test]
    fn what_is_slow_with_room_is_usual() {
        let mut strain = Strain::new();
        learn(&mut strain, 50, &[(1, 20)], false);
        learn(&mut strain, 200, &[(1, 80)], false);
        learn(&mut strain, 50, &[(1, 80)], true);
        assert!((0.9..1.1).contains(&strain.now()), "{}", strain.now());
    }
}
