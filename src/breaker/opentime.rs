//! How long an open breaker stays open.

use super::settings::Settings;
use fastrand::Rng;
use std::time::Duration;

/// Starts at `breaker.open.min` and doubles on each failed probe up to `breaker.open.max`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenTime {
    /// Before jitter.
    length: Duration,
}

impl OpenTime {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { length: settings.open_min }
    }

    /// What was reached before a restart.
    pub(super) fn restored(length: Duration) -> Self {
        Self { length }
    }

    pub(super) fn length(self) -> Duration {
        self.length
    }

    pub(super) fn double(&mut self, settings: &Settings) {
        self.length = self.length.saturating_mul(2).min(settings.open_max);
    }

    /// The time to stay open, at most a fifth off the plain length. The application's own wish
    /// is a floor and no ceiling: one that says "5 seconds" for ever does not undo the doubling.
    pub(super) fn draw(
        self,
        wish: Option<Duration>,
        settings: &Settings,
        rng: &mut Rng,
    ) -> Duration {
        let drawn = self.jittered(settings, rng);
        drawn.max(wish.unwrap_or_default()).max(settings.open_min).min(settings.open_max)
    }

    /// Somewhere in a band of 20 % that begins at the length, and slides down under `open_max`
    /// where it would pass it: without that, breakers at the cap would all probe in step.
    fn jittered(self, settings: &Settings, rng: &mut Rng) -> Duration {
        let top = self.length.saturating_add(self.length / 5).min(settings.open_max);
        let bottom = top - top / 6;
        let band = u64::try_from((top - bottom).as_nanos()).unwrap_or(u64::MAX);
        bottom + Duration::from_nanos(rng.u64(0..=band))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::tests::settings;
    use proptest::{prop_assert, proptest};

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    proptest! {
        #[test]
        fn open_time_doubles_with_at_most_a_fifth_of_jitter_and_never_leaves_its_bounds(
            failed_probes in 0u32..12,
            seed: u64,
        ) {
            let settings = settings();
            let mut time = OpenTime::new(&settings);
            (0..failed_probes).for_each(|_| time.double(&settings));
            let drawn = time.draw(None, &settings, &mut Rng::with_seed(seed));
            let plain = seconds(5 << failed_probes).min(seconds(60));
            prop_assert!(drawn >= seconds(5) && drawn <= seconds(60));
            prop_assert!(drawn >= plain.mul_f64(0.8) && drawn <= plain.mul_f64(1.2));
        }

        #[test]
        fn the_applications_wish_is_respected_within_the_bounds(wish in 0u64..100_000, seed: u64) {
            let settings = settings();
            let time = OpenTime::new(&settings);
            let drawn = time.draw(Some(seconds(wish)), &settings, &mut Rng::with_seed(seed));
            prop_assert!(drawn >= seconds(wish.clamp(5, 60)) && drawn <= seconds(60));
        }
    }

    #[test]
    fn jitter_is_left_at_the_cap() {
        let settings = settings();
        let time = OpenTime { length: settings.open_max };
        let mut rng = Rng::with_seed(1);
        let first = time.draw(None, &settings, &mut rng);
        assert!((0..10).any(|_| time.draw(None, &settings, &mut rng) != first));
    }

    #[test]
    fn absurd_lengths_do_not_overflow() {
        let settings = Settings { open_max: Duration::MAX, ..settings() };
        let mut time = OpenTime { length: Duration::MAX };
        time.double(&settings);
        assert!(time.draw(None, &settings, &mut Rng::with_seed(1)) <= Duration::MAX);
    }
}
