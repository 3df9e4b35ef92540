//! The two levels together, and the bounds of the map of paths.

use super::*;

/// The page is open, the application closed and never was anything else.
fn broken_page() -> (Site, Duration) {
    let mut site = Site::new();
    site.visits(5, "/broken", E500);
    let open_for = site.changes()[0].numbers.open_for.unwrap();
    (site, open_for)
}

#[test]
fn a_path_probes_and_closes_by_itself() {
    let (mut site, open_for) = broken_page();
    let probe = site.wait(open_for).enter("/broken");
    assert!(probe.permit.is_probe());
    assert_eq!(site.state("/broken"), State::HalfOpen);
    site.end(probe, GOOD);
    assert_eq!(site.state("/broken"), State::Closed);
}

#[test]
fn a_healthy_path_has_no_breaker_of_its_own() {
    let (mut site, open_for) = broken_page();
    site.visit("/", GOOD);
    assert_eq!(site.breakers.len(), 1);
    site.wait(open_for).visit("/broken", GOOD);
    assert_eq!(site.breakers.len(), 0, "healthy again, nothing on record");
}

#[test]
fn a_path_keeps_its_breaker_while_its_failure_is_in_the_window() {
    let mut site = Site::new();
    site.visit("/a", E500);
    site.wait(seconds(5)).visit("/a", GOOD);
    assert_eq!(site.breakers.len(), 1);
    site.wait(seconds(6)).visit("/a", GOOD);
    assert_eq!(site.breakers.len(), 0);
}

#[test]
fn a_path_that_was_forgotten_is_not_judged_by_calls_from_before() {
    let mut site = Site::new();
    let old = site.enter_all(&["/broken"; 10]);
    site.visits(5, "/broken", E500);
    site.wait(seconds(6)).visit("/broken", GOOD);
    assert_eq!(site.breakers.len(), 0);
    old.into_iter().for_each(|call| site.end(call, E500));
    assert_eq!(site.state("/broken"), State::Closed);
    assert!(site.breakers.is_empty(), "what may not judge makes no entry");
}

/// A page that asked for a minute's rest, and then the application gone as a whole.
fn broken_page_of_a_broken_application() -> Site {
    let mut site = Site::new();
    site.visits(5, "/broken", status(503, Some(seconds(60))));
    site.visit("/", GOOD);
    site.visits(5, "/", REFUSED);
    site.changes();
    site
}

#[test]
fn an_open_path_does_not_use_up_the_applications_probe() {
    let mut site = broken_page_of_a_broken_application();
    site.wait(seconds(6));
    assert_eq!(site.get("/broken").err(), Some((State::Open, seconds(54))));
    assert_eq!((site.application(), site.held()), (State::Open, 0));
    assert!(site.enter("/").permit.is_probe());
}

#[test]
fn an_open_application_does_not_use_up_the_paths_probe() {
    let (mut site, open_for) = broken_page();
    site.visit("/", GOOD);
    site.wait(open_for).visits(5, "/", REFUSED);
    assert!(site.get("/broken").is_err());
    assert_eq!(site.held(), 0);
    let levels: Vec<_> = site.changes().into_iter().map(|change| change.level).collect();
    assert_eq!(levels, [Level::Application], "the path's breaker has not moved");
}

#[test]
fn one_call_may_probe_both_levels() {
    let mut site = broken_page_of_a_broken_application();
    site.wait(seconds(60)).visit("/broken", GOOD);
    assert_eq!((site.state("/broken"), site.held()), (State::Closed, 0));
}

#[test]
fn a_path_that_opened_before_the_application_closed_is_probed_at_once() {
    let mut site = broken_page_of_a_broken_application();
    site.wait(seconds(6)).visit("/", GOOD);
    assert_eq!(site.state("/broken"), State::Open);
    let probe = site.enter("/broken");
    assert!(probe.permit.is_probe());
    assert_eq!(site.last_reason(), Some(Reason::ApplicationClosed));
    site.end(probe, E500);
    assert!(site.get("/broken").is_err(), "it has opened after that moment now");
}

#[test]
fn a_refused_connection_says_nothing_about_the_path_and_frees_its_probe_place() {
    let (mut site, open_for) = broken_page();
    site.wait(open_for).visit("/broken", REFUSED);
    assert_eq!(site.state("/broken"), State::HalfOpen);
    site.visit("/broken", GOOD);
    assert_eq!(site.state("/broken"), State::Closed);
}

#[test]
fn a_head_does_not_profit_from_a_path_that_may_be_probed() {
    let mut site = broken_page_of_a_broken_application();
    site.wait(seconds(6)).visit("/", GOOD);
    let refused = site.ask("/broken", Ask::NeverProbe).err();
    assert_eq!(refused, Some((State::Open, seconds(1))));
}

#[test]
fn both_levels_read_as_the_stricter() {
    let (mut site, open_for) = broken_page();
    site.visit("/", GOOD);
    site.wait(open_for);
    let _probe = site.enter("/broken");
    assert_eq!(site.state("/broken"), State::HalfOpen);
    site.visits(5, "/", REFUSED);
    assert_eq!(site.state("/broken"), State::Open);
    assert_eq!(site.state("/"), State::Open);
}

#[test]
fn the_breakers_of_paths_are_bounded_and_the_least_recently_used_goes() {
    let mut breakers = Breakers::new(settings(), 1);
    let now = Instant::now();
    for n in 0..paths::CAPACITY.get() + 100 {
        let path = format!("/{n}");
        // Good ones between, or the application opens.
        for (path, outcome) in [(path.as_str(), E500), ("/", GOOD), ("/", GOOD)] {
            let Admission::Admitted(permit) = breakers.admit(path, Ask::MayProbe, now) else {
                panic!("refused")
            };
            breakers.record(permit, path, outcome, now);
        }
    }
    assert_eq!(breakers.len(), paths::CAPACITY.get());
    assert!(breakers.paths.peek(breakers.paths.key("/0")).is_none());
}

#[test]
fn changes_wait_in_bounded_memory() {
    let (mut site, _) = Site::opened(settings());
    for _ in 0..1_000 {
        site.wait(seconds(60)).visit("/", REFUSED);
    }
    assert_eq!(site.changes().len(), 256);
    assert!(site.changes().is_empty());
}
