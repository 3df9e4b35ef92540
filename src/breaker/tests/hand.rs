//! The operator's hand: what each mode does, that its time ends by itself, and that nothing sticks
//! when it is lifted.

mod properties;

use super::*;

impl Site {
    fn in_mode(mode: Mode) -> Self {
        Self::with(Settings { mode, ..settings() })
    }

    fn order(&mut self, mode: Mode, time: Option<Duration>) -> Turn {
        self.breakers.order(mode, time, self.now)
    }

    fn report(&mut self) -> Report {
        self.breakers.report(self.now)
    }

    fn mode(&mut self) -> Mode {
        self.report().held.mode
    }

    fn is_forced_open(&mut self) -> bool {
        let admission = self.breakers.admit("/", Ask::MayProbe, self.now);
        matches!(admission, Admission::Rejected { forced: true, .. })
    }

    /// A failure each, whether the breakers like it or not.
    fn fails_everywhere(&mut self, rounds: usize) {
        (0..rounds).for_each(|_| FIVE.iter().for_each(|path| self.visit(path, REFUSED)));
    }
}

#[test]
fn forced_open_lets_nobody_in_although_all_is_well() {
    let mut site = Site::new();
    site.visits(100, "/", GOOD);
    site.order(Mode::Open, None);
    for ask in [Ask::MayProbe, Ask::NeverProbe] {
        assert_eq!(site.ask("/", ask).err(), Some((State::Open, seconds(60))));
    }
    assert_eq!((site.application(), site.is_forced_open()), (State::Open, true));
    assert!(site.wait(seconds(100_000)).get("/").is_err(), "without a time it has no end");
}

#[test]
fn open_by_its_own_judgement_is_not_forced() {
    let (mut site, _) = Site::opened(settings());
    assert!(site.get("/").is_err());
    assert!(!site.is_forced_open());
}

#[test]
fn retry_after_is_the_end_of_the_operators_time_within_an_hour() {
    for (time, wait) in [(600, 600), (7_200, 3_600), (1, 1)] {
        let mut site = Site::new();
        site.order(Mode::Open, Some(seconds(time)));
        assert_eq!(site.get("/").err(), Some((State::Open, seconds(wait))), "{time}");
    }
    let mut site = Site::new();
    site.order(Mode::Open, Some(Duration::from_millis(10)));
    assert_eq!(site.get("/").err(), Some((State::Open, seconds(1))), "at least a second");
    // What comes after it is open too, so its end is none.
    let mut site = Site::in_mode(Mode::Open);
    site.order(Mode::Open, Some(seconds(600)));
    assert_eq!(site.get("/").err(), Some((State::Open, seconds(60))));
}

#[test]
fn a_time_ends_by_itself_and_is_told_once() {
    let mut site = Site::new();
    site.order(Mode::Open, Some(seconds(600)));
    assert!(site.wait(seconds(600) - Duration::from_nanos(1)).is_forced_open());
    site.wait(Duration::from_nanos(1));
    assert_eq!(site.application(), State::Closed);
    site.visit("/", GOOD);
    let turn = site.breakers.take_lapse().expect("it is told");
    assert_eq!((turn.by, turn.from.mode, turn.to.mode), (By::Time, Mode::Open, Mode::Auto));
    assert_eq!(turn.to_string(), "the operator's time is over, breaker.mode: open -> auto");
    site.visit("/", GOOD);
    assert_eq!(site.breakers.take_lapse(), None);
}

#[test]
fn an_end_is_told_although_nobody_asks_for_anything() {
    let mut site = Site::new();
    site.order(Mode::Open, Some(seconds(600)));
    site.wait(seconds(600));
    site.breakers.take_unsaved(site.now);
    assert!(site.breakers.take_lapse().is_some());
    site.order(Mode::Open, Some(seconds(600)));
    let turn = site.wait(seconds(600)).order(Mode::Dry, None);
    assert_eq!((turn.from.mode, turn.to.mode), (Mode::Auto, Mode::Dry));
    assert!(site.breakers.take_lapse().is_some(), "before the order that came after it");
}

#[test]
fn an_order_says_what_was_and_what_is() {
    let mut site = Site::new();
    let turn = site.order(Mode::Open, Some(seconds(600)));
    assert_eq!((turn.from.mode, turn.to.mode), (Mode::Auto, Mode::Open));
    assert_eq!(turn.to.rest, Some(Rest { left: seconds(600), then: Mode::Auto }));
    assert_eq!(
        turn.to_string(),
        "the operator changed breaker.mode: auto -> open for 600.0 s, then auto"
    );
    let turn = site.wait(seconds(100)).order(Mode::Dry, None);
    assert_eq!(turn.from.rest, Some(Rest { left: seconds(500), then: Mode::Auto }));
    assert_eq!((turn.to.mode, turn.to.rest), (Mode::Dry, None));
}

#[test]
fn a_time_lies_over_what_was_ordered_without_one() {
    let mut site = Site::in_mode(Mode::Dry);
    site.order(Mode::Open, None);
    site.order(Mode::Closed, Some(seconds(10)));
    // A second one takes the place of the first.
    site.wait(seconds(5)).order(Mode::Auto, Some(seconds(10)));
    assert_eq!(site.wait(seconds(9)).mode(), Mode::Auto);
    assert_eq!(site.wait(seconds(1)).mode(), Mode::Open);
    site.order(Mode::Closed, Some(seconds(10)));
    site.order(Mode::Auto, None);
    assert_eq!(site.mode(), Mode::Auto, "one without a time takes the place of both");
    assert_eq!(site.wait(seconds(60)).mode(), Mode::Auto);
}

#[test]
fn after_forced_open_the_breaker_goes_on_from_where_it_was() {
    let (mut site, open_for) = Site::opened(settings());
    site.order(Mode::Open, Some(seconds(600)));
    site.wait(seconds(600));
    assert!(open_for < seconds(600));
    // Its own time has passed meanwhile.
    let probe = site.enter("/");
    assert_eq!((probe.permit.is_probe(), site.application()), (true, State::HalfOpen));
    assert!(site.get("/").is_err());
    site.end(probe, GOOD);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn forced_open_and_back_before_the_open_time_is_over_waits_for_the_rest_of_it() {
    let (mut site, open_for) = Site::opened(settings());
    site.order(Mode::Open, None);
    site.wait(seconds(1)).order(Mode::Auto, None);
    assert_eq!(site.get("/").err(), Some((State::Open, open_for - seconds(1))));
}

#[test]
fn what_was_inside_when_it_was_forced_open_still_counts() {
    let mut site = Site::new();
    let calls = site.enter_all(&FIVE);
    site.order(Mode::Open, None);
    calls.into_iter().for_each(|call| site.end(call, REFUSED));
    assert_eq!(site.last_reason(), Some(Reason::ConsecutiveFailures));
    site.order(Mode::Auto, None);
    assert_eq!(site.application(), State::Open);
}

#[test]
fn forced_closed_asks_whatever_happens_and_counts_it() {
    let mut site = Site::in_mode(Mode::Closed);
    site.fails_everywhere(20);
    site.visits(20, "/broken", E500);
    assert_eq!((site.application(), site.state("/broken")), (State::Closed, State::Closed));
    assert_eq!(site.changes(), []);
    let report = site.report();
    assert_eq!((report.application.numbers.failures, report.application.numbers.total), (120, 120));
    assert_eq!((report.held.mode, report.application.state), (Mode::Closed, State::Closed));
}

#[test]
fn hanging_calls_do_not_open_what_is_forced_closed() {
    let mut site = Site::in_mode(Mode::Closed);
    let mut calls = site.enter_all(&[FIVE, FIVE].concat());
    site.wait(seconds(10)).overdue_all(&mut calls);
    assert_eq!(site.report().application.state, State::Closed);
    assert_eq!(site.changes(), []);
    site.order(Mode::Auto, None);
    site.end(calls.remove(0), TIMEOUT);
    assert_eq!(site.application(), State::Open, "nine of ten still hang");
}

#[test]
fn back_from_forced_closed_the_next_answer_is_judged_with_what_was_counted() {
    let mut site = Site::new();
    site.order(Mode::Closed, Some(seconds(5)));
    site.fails_everywhere(2);
    site.wait(seconds(5));
    assert_eq!(site.application(), State::Closed);
    site.visit("/", REFUSED);
    assert_eq!(site.application(), State::Open);
}

#[test]
fn back_from_forced_closed_a_well_application_stays_closed() {
    let mut site = Site::new();
    site.order(Mode::Closed, Some(seconds(600)));
    site.fails_everywhere(2);
    site.wait(seconds(500)).visits(10, "/", GOOD);
    site.wait(seconds(100)).visits(10, "/", GOOD);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn forcing_closed_closes_both_levels_and_forgets_the_doubling() {
    let (mut site, open_for) = Site::opened(settings());
    let probe = site.wait(open_for).enter("/");
    site.end(probe, REFUSED);
    assert_eq!(site.application(), State::Open);
    site.order(Mode::Closed, None);
    assert_eq!(site.last_reason(), Some(Reason::Operator));
    site.order(Mode::Auto, None);
    assert_eq!(site.application(), State::Closed);
    site.visits(5, "/", REFUSED);
    assert!(site.changes()[0].numbers.open_for < Some(seconds(7)), "as the first time");
    let mut site = Site::new();
    site.visits(5, "/broken", E500);
    assert_eq!(site.state("/broken"), State::Open);
    let turn = site.order(Mode::Closed, None);
    assert_eq!(turn.paths_closed, 1);
    assert!(turn.to_string().ends_with("closed (breakers of paths closed with it: 1)"));
    assert_eq!(site.report().open, 0);
    site.order(Mode::Auto, None);
    site.visit("/broken", E500);
    assert_eq!(site.state("/broken"), State::Closed);
}

#[test]
fn a_path_closed_by_hand_is_written_down_as_closed_and_calls_from_before_are_not_its_fault() {
    let mut site = Site::new();
    let old = site.enter_all(&["/broken"; 10]);
    site.visits(5, "/broken", E500);
    site.breakers.take_unsaved(site.now);
    site.order(Mode::Closed, None);
    let Unsaved::All(saved) = site.breakers.take_unsaved(site.now) else {
        panic!("what is written says open")
    };
    assert_eq!(saved.len(), 1, "the application's alone: {saved:?}");
    site.order(Mode::Auto, None);
    old.into_iter().for_each(|call| site.end(call, E500));
    assert_eq!(site.state("/broken"), State::Closed);
}

#[test]
fn forced_closed_is_closed_after_a_restart_too_whatever_was_remembered() {
    let (mut site, _) = Site::opened(settings());
    let saved = site.breakers.snapshot(site.now);
    let mut site = Site::in_mode(Mode::Closed);
    site.breakers.restore(saved, site.now);
    assert_eq!((site.application(), site.get("/").is_ok()), (State::Closed, true));
    assert_eq!(site.last_reason(), Some(Reason::Operator));
}

#[test]
fn what_is_forced_is_not_remembered_and_what_was_judged_is() {
    let (mut site, _) = Site::opened(settings());
    site.order(Mode::Open, None);
    let saved = site.breakers.snapshot(site.now);
    assert_eq!(saved[0].state, State::Open);
    let mut next = Site::new();
    next.order(Mode::Open, None);
    assert_eq!(next.breakers.snapshot(next.now)[0].state, State::Closed);
    let mut site = Site::new();
    site.breakers.restore(saved, site.now);
    assert_eq!((site.mode(), site.application()), (Mode::Auto, State::Open));
    assert!(!site.is_forced_open());
}

#[test]
fn dry_asks_always_and_says_what_auto_would_have_done() {
    let mut site = Site::in_mode(Mode::Dry);
    site.fails_everywhere(1);
    let change = site.changes().pop().expect("it is told");
    assert_eq!((change.to, change.reason), (State::Open, Reason::ConsecutiveFailures));
    assert!(change.dry && change.to_string().contains("would change: CLOSED -> OPEN"), "{change}");
    assert_eq!(site.application(), State::Closed, "what really happens");
    for ask in [Ask::MayProbe, Ask::NeverProbe] {
        assert!(site.ask("/", ask).is_ok());
    }
    assert_eq!(site.report().application.state, State::Open);
}

#[test]
fn dry_judges_as_auto_would_by_the_calls_that_auto_would_have_let_in() {
    let mut sites = [Mode::Auto, Mode::Dry].map(Site::in_mode);
    // Healthy calls past an open breaker close nothing, and failing ones double nothing.
    for (path, outcome, pause) in (0..400).map(|n| {
        let path = FIVE[n % 5];
        (
            path,
            [REFUSED, E500, GOOD, REFUSED][n / 7 % 4],
            Duration::from_millis(n as u64 * 37 % 900),
        )
    }) {
        for site in &mut sites {
            if let Ok(call) = site.wait(pause).get(path) {
                site.end(call, outcome);
            }
        }
    }
    let [auto, dry] = sites.map(|mut site| {
        let changes = site.changes().into_iter().map(|change| Change { dry: false, ..change });
        changes.collect::<Vec<_>>()
    });
    assert!(auto.len() > 10, "{auto:?}");
    assert_eq!(auto, dry);
}

#[test]
fn dry_probes_are_no_probes_to_the_caller() {
    let mut site = Site::in_mode(Mode::Dry);
    site.fails_everywhere(1);
    let probe = site.wait(seconds(7)).enter("/");
    assert!(!probe.permit.is_probe());
    assert_eq!(site.report().application.state, State::HalfOpen);
    site.end(probe, GOOD);
    assert_eq!(site.report().application.state, State::Closed);
}

#[test]
fn from_dry_to_auto_the_verdict_holds() {
    let mut site = Site::in_mode(Mode::Dry);
    site.fails_everywhere(1);
    site.order(Mode::Auto, None);
    assert_eq!(site.application(), State::Open);
    assert!(site.get("/").is_err());
}

#[test]
fn a_report_names_a_few_of_the_paths_in_trouble() {
    let mut site = Site::new();
    let paths: Vec<&'static str> =
        (0..8).map(|n| &*Box::leak(format!("/{n}").into_boxed_str())).collect();
    for path in &paths {
        for _ in 0..5 {
            site.visit(path, E500);
            site.visits(2, "/well", GOOD);
        }
    }
    assert_eq!(site.application(), State::Closed);
    site.visit("/only-once", E500);
    let report = site.report();
    assert_eq!((report.paths, report.open, report.half_open), (9, 8, 0));
    assert_eq!(report.names, ["/7", "/6", "/5", "/4", "/3"]);
    let _probe = site.wait(seconds(7)).enter("/7");
    let report = site.report();
    assert_eq!((report.open, report.half_open), (7, 1));
}

#[test]
fn a_report_says_how_long_it_is_open_still_and_what_was_counted() {
    let mut site = Site::new();
    site.visits(3, "/", REFUSED);
    let numbers = site.report().application.numbers;
    assert_eq!((numbers.failures, numbers.total, numbers.consecutive), (3, 3, 3));
    assert_eq!(site.wait(seconds(11)).report().application.numbers.total, 0);
    let (mut site, open_for) = Site::opened(settings());
    let report = site.wait(seconds(1)).report();
    assert_eq!(report.application.open_for, Some(open_for - seconds(1)));
    assert_eq!((report.shown, report.held.rest), (State::Open, None));
}
