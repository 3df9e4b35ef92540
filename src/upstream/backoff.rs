//! How long to wait before the next try: pester's five backoffs by their names, and full jitter.
//!
//! Tries that failed together would come back together; the kinds with jitter keep them apart.
//! Counted in whole nanoseconds that saturate, so that no number of tries can overflow.

use std::time::Duration;

/// `retry.backoff`: how the waits grow from `retry.base` to `retry.cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// The base, each time.
    Constant,
    /// Base x i.
    Linear,
    /// Base x i, a third more or less.
    LinearJitter,
    /// Base x 2^i.
    Exponential,
    /// Base x 2^i, a third more or less.
    ExponentialJitter,
    /// Anything from nothing to base x 2^i.
    FullJitter,
}

impl Backoff {
    /// The wait after try `i`, the first being 1; never above `cap`. `random` is from 0 to 1, and
    /// only the kinds with jitter look at it.
    pub fn wait(self, base: Duration, cap: Duration, i: u32, random: f64) -> Duration {
        let factor = match self {
            Backoff::Constant => 1,
            Backoff::Linear | Backoff::LinearJitter => u128::from(i),
            _ => 1_u128.checked_shl(i).unwrap_or(u128::MAX),
        };
        let cap = nanos(cap);
        let plain = u128::from(nanos(base)).saturating_mul(factor).min(u128::from(cap)) as u64;
        let (least, most) = match self {
            Backoff::Constant | Backoff::Linear | Backoff::Exponential => (plain, plain),
            Backoff::LinearJitter | Backoff::ExponentialJitter => {
                let third = plain / 3;
                (plain - third, plain.saturating_add(third).min(cap))
            }
            Backoff::FullJitter => (0, plain),
        };
        // Rounding can go past neither end: the product of a float below 1 is cut off.
        let spread = ((most - least) as f64 * random.clamp(0.0, 1.0)) as u64;
        Duration::from_nanos(least + spread.min(most - least))
    }
}

/// Beyond 584 years everything is as long.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: Duration = Duration::from_millis(50);
    const CAP: Duration = Duration::from_secs(1);

    fn millis(kind: Backoff, i: u32, random: f64) -> u128 {
        kind.wait(BASE, CAP, i, random).as_millis()
    }

    #[test]
    fn the_second_wait_is_base_times_two_or_base_times_four() {
        assert_eq!([1, 2, 3].map(|i| millis(Backoff::Constant, i, 0.5)), [50, 50, 50]);
        assert_eq!([1, 2, 3].map(|i| millis(Backoff::Linear, i, 0.5)), [50, 100, 150]);
        assert_eq!([1, 2, 3].map(|i| millis(Backoff::Exponential, i, 0.5)), [100, 200, 400]);
    }

    #[test]
    fn jitter_is_a_third_more_or_less_and_full_jitter_is_anything() {
        assert_eq!([0.0, 0.5, 1.0].map(|it| millis(Backoff::LinearJitter, 3, it)), [100, 150, 200]);
        let exponential = [0.0, 0.5, 1.0].map(|it| millis(Backoff::ExponentialJitter, 1, it));
        assert_eq!(exponential, [66, 100, 133]);
        assert_eq!([0.0, 0.5, 1.0].map(|it| millis(Backoff::FullJitter, 1, it)), [0, 50, 100]);
    }

    #[test]
    fn the_millionth_wait_is_the_cap() {
        for kind in [Backoff::Linear, Backoff::Exponential] {
            for i in [40, 127, 128, 1_000_000_000, u32::MAX] {
                assert_eq!(kind.wait(BASE, CAP, i, 0.0), CAP, "{kind:?} {i}");
            }
        }
        // Jitter is still jitter there.
        assert_eq!(millis(Backoff::ExponentialJitter, 1_000_000_000, 0.0), 666);
    }

    fn any_kind() -> impl Strategy<Value = Backoff> {
        prop_oneof![
            Just(Backoff::Constant),
            Just(Backoff::Linear),
            Just(Backoff::LinearJitter),
            Just(Backoff::Exponential),
            Just(Backoff::ExponentialJitter),
            Just(Backoff::FullJitter),
        ]
    }

    fn any_time() -> impl Strategy<Value = Duration> {
        prop_oneof![
            (0..2_000_u64).prop_map(Duration::from_millis),
            any::<u64>().prop_map(Duration::from_nanos),
            Just(Duration::MAX),
        ]
    }

    proptest! {
        #[test]
        fn no_wait_is_above_the_cap(
            kind in any_kind(), base in any_time(), cap in any_time(), i: u32, random: f64,
        ) {
            prop_assert!(kind.wait(base, cap, i, random) <= cap);
        }

        #[test]
        fn waits_never_become_shorter(
            kind in any_kind(), base in any_time(), cap in any_time(), i in 0..u32::MAX,
            random in 0.0..=1.0,
        ) {
            let earlier = kind.wait(base, cap, i, random);
            prop_assert!(kind.wait(base, cap, i + 1, random) >= earlier);
        }

        #[test]
        fn jitter_stays_within_a_third(base in 1..1_000_u64, i in 1..8_u32, random in 0.0..1.0) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_secs(3_600));
            for (plain, jitter) in [
                (Backoff::Linear, Backoff::LinearJitter),
                (Backoff::Exponential, Backoff::ExponentialJitter),
            ] {
                let plain = plain.wait(base, cap, i, random);
                let apart = jitter.wait(base, cap, i, random).abs_diff(plain);
                prop_assert!(apart <= plain / 3, "{apart:?} of {plain:?}");
            }
        }
    }
}
