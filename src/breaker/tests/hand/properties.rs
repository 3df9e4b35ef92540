//! What holds of the hand whatever is ordered, and whatever happens meanwhile.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Ask(&'static str),
    End(usize, Outcome),
    Order(Mode, Option<u64>),
    Wait(u64),
}

fn mode() -> impl Strategy<Value = Mode> {
    proptest::sample::select(&Mode::ALL[..])
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = proptest::sample::select(vec![GOOD, REFUSED, E500]);
    prop_oneof![
        8 => proptest::sample::select(&FIVE[..]).prop_map(Step::Ask),
        8 => (0usize..64, outcome).prop_map(|(call, outcome)| Step::End(call, outcome)),
        2 => (mode(), proptest::option::of(0u64..6_000_000)).prop_map(|(m, t)| Step::Order(m, t)),
        4 => (0u64..20_000).prop_map(Step::Wait),
    ]
}

fn take(site: &mut Site, step: Step, calls: &mut Vec<Call>) {
    match step {
        Step::Ask(path) => calls.extend(site.get(path).ok()),
        Step::Wait(ms) => drop(site.wait(Duration::from_millis(ms))),
        Step::Order(mode, time) => drop(site.order(mode, time.map(Duration::from_millis))),
        Step::End(n, outcome) if !calls.is_empty() => {
            let call = calls.swap_remove(n % calls.len());
            site.end(call, outcome);
        }
        Step::End(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever happens in its time, at its end the mode that stood before it holds.
    #[test]
    fn a_mode_for_a_time_always_ends_by_its_time(
        standing in mode(),
        passing in mode(),
        time in 0u64..100_000,
        steps in proptest::collection::vec(step(), 0..100),
    ) {
        let (mut site, mut calls) = (Site::in_mode(standing), Vec::new());
        let end = site.now + Duration::from_millis(time);
        site.order(passing, Some(Duration::from_millis(time)));
        for step in steps {
            let ordered = matches!(step, Step::Order(..));
            if !ordered {
                take(&mut site, step, &mut calls);
            }
            let expected = if site.now < end { passing } else { standing };
            prop_assert_eq!(site.is_forced_open(), expected == Mode::Open);
            prop_assert_eq!(site.mode(), expected);
        }
        site.now = site.now.max(end);
        prop_assert_eq!(site.is_forced_open(), standing == Mode::Open);
    }

    /// X-Circuit is what is done: nobody is let in where it says OPEN, and everybody where it says
    /// CLOSED.
    #[test]
    fn what_is_shown_is_what_is_done(
        start in mode(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let (mut site, mut calls) = (Site::in_mode(start), Vec::new());
        for step in steps {
            take(&mut site, step, &mut calls);
            let shown = site.state("/a");
            match site.ask("/a", Ask::NeverProbe) {
                Ok(call) => {
                    prop_assert_eq!(shown, State::Closed);
                    site.leave(call);
                }
                Err((state, wait)) => {
                    prop_assert!(shown > State::Closed && shown == state);
                    prop_assert!(wait >= seconds(1) && wait <= seconds(3_600));
                }
            }
        }
    }

    #[test]
    fn back_in_auto_no_breaker_sticks_whatever_was_ordered(
        start in mode(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let (mut site, mut calls) = (Site::in_mode(start), Vec::new());
        steps.into_iter().for_each(|step| take(&mut site, step, &mut calls));
        site.order(Mode::Auto, None);
        for path in FIVE.repeat(2) {
            let call = site.wait(seconds(76)).get(path);
            prop_assert!(call.is_ok(), "{path} sticks");
            call.into_iter().for_each(|call| site.end(call, GOOD));
        }
        prop_assert!(FIVE.iter().all(|path| site.state(path) == State::Closed));
    }
}
