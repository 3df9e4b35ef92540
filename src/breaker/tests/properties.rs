//! What holds for every sequence of calls.

use super::*;
use globset::Glob;
use proptest::prelude::*;

const PATHS: [&str; 4] = ["/a", "/b", "/c", "/poll"];

#[derive(Clone, Debug)]
enum Step {
    Ask(&'static str, Ask),
    End(usize, Outcome),
    Overdue(usize),
    Leave(usize),
    Lose(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let path = proptest::sample::select(&PATHS[..]);
    let ask = prop_oneof![4 => Just(Ask::MayProbe), 1 => Just(Ask::NeverProbe)];
    let busy = status(503, Some(seconds(20)));
    let bad = proptest::sample::select(vec![REFUSED, TIMEOUT, BROKEN, E500, busy]);
    let outcome = prop_oneof![Just(GOOD), bad];
    prop_oneof![
        8 => (path, ask).prop_map(|(path, ask)| Step::Ask(path, ask)),
        8 => (0usize..64, outcome).prop_map(|(call, outcome)| Step::End(call, outcome)),
        3 => (0usize..64).prop_map(Step::Overdue),
        1 => (0usize..64).prop_map(Step::Leave),
        1 => (0usize..64).prop_map(Step::Lose),
        4 => (0u64..20_000).prop_map(Step::Wait),
    ]
}

fn some_settings() -> impl Strategy<Value = Settings> {
    (0u32..4, 0u32..4, 0u32..6, 0u32..6, 0.0..=1.0, 0.0..=1.0).prop_map(
        |(probes, close, minimum, consecutive_fail, fail_rate, slow_rate)| Settings {
            probes,
            close,
            minimum,
            consecutive_fail,
            fail_rate,
            slow_rate,
            ignore: vec![Glob::new("/poll").unwrap().compile_matcher()],
            ..settings()
        },
    )
}

impl Site {
    fn take(&mut self, step: Step, calls: &mut Vec<Call>) {
        let pick = |n: usize, calls: &Vec<Call>| (!calls.is_empty()).then(|| n % calls.len());
        match step {
            Step::Ask(path, ask) => calls.extend(self.ask(path, ask).ok()),
            Step::Wait(ms) => drop(self.wait(Duration::from_millis(ms))),
            Step::Overdue(n) => {
                let call = pick(n, calls).map(|n| &mut calls[n]);
                call.into_iter().for_each(|call| self.overdue(call));
            }
            Step::End(n, outcome) => {
                let call = pick(n, calls).map(|n| calls.swap_remove(n));
                call.into_iter().for_each(|call| self.end(call, outcome));
            }
            Step::Leave(n) => {
                let call = pick(n, calls).map(|n| calls.swap_remove(n));
                call.into_iter().for_each(|call| self.leave(call));
            }
            Step::Lose(n) => drop(pick(n, calls).map(|n| calls.swap_remove(n))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn probes_inside_never_exceed_the_setting(
        settings in some_settings(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let allowed = settings.probes.max(1) as usize;
        let (mut site, mut calls) = (Site::with(settings), Vec::new());
        for step in steps {
            site.take(step, &mut calls);
            prop_assert!(site.circuits().all(|circuit| circuit.probes_inside() <= allowed));
            prop_assert!(site.breakers.len() <= PATHS.len());
        }
    }

    #[test]
    fn no_breaker_sticks_whatever_was_lost(
        settings in some_settings(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let (mut site, mut calls) = (Site::with(settings), Vec::new());
        steps.into_iter().for_each(|step| site.take(step, &mut calls));
        for path in PATHS.repeat(5) {
            // Longer than any open time and any lease: somebody is let in.
            let call = site.wait(seconds(76)).get(path);
            prop_assert!(call.is_ok(), "{path} sticks");
            call.into_iter().for_each(|call| site.end(call, GOOD));
        }
        prop_assert!(PATHS.iter().all(|path| site.state(path) == State::Closed));
    }

    #[test]
    fn books_are_empty_when_all_permits_have_come_back(
        settings in some_settings(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let (mut site, mut calls) = (Site::with(settings), Vec::new());
        let honest = steps.into_iter().filter(|step| !matches!(step, Step::Lose(_)));
        honest.for_each(|step| site.take(step, &mut calls));
        for (n, call) in calls.into_iter().enumerate() {
            match n % 2 {
                0 => site.end(call, GOOD),
                _ => site.leave(call),
            }
        }
        prop_assert_eq!(site.held(), 0);
    }

    #[test]
    fn every_rejection_says_a_second_at_least_and_open_max_at_most(
        settings in some_settings(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let (mut site, mut calls) = (Site::with(settings), Vec::new());
        for step in steps {
            site.take(step, &mut calls);
            if let Err((state, wait)) = site.ask("/a", Ask::NeverProbe) {
                prop_assert!(state > State::Closed);
                prop_assert!(wait >= seconds(1) && wait <= seconds(60));
            }
        }
    }

    #[test]
    fn changes_of_one_breaker_follow_each_other(
        settings in some_settings(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let (mut site, mut calls) = (Site::with(settings), Vec::new());
        let mut state = State::Closed;
        for step in steps {
            site.take(step, &mut calls);
            for change in site.changes().iter().filter(|c| c.level == Level::Application) {
                prop_assert_eq!(change.from, state);
                prop_assert_eq!(change.numbers.open_for.is_some(), change.to == State::Open);
                state = change.to;
            }
            prop_assert_eq!(site.application(), state);
        }
    }
}
