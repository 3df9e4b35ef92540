//! Probes: their places, their leases, their verdicts.

use super::*;

#[test]
fn a_good_probe_closes() {
    let (mut site, open_for) = Site::opened(settings());
    site.wait(open_for).visit("/", GOOD);
    assert_eq!(site.application(), State::Closed);
    let reasons: Vec<_> = site.changes().into_iter().map(|change| change.reason).collect();
    assert_eq!(reasons, [Reason::TimeElapsed, Reason::ProbesSucceeded]);
    assert!(!site.enter("/").permit.is_probe());
}

#[test]
fn a_failed_probe_opens_again_for_twice_as_long_up_to_the_maximum() {
    let (mut site, mut open_for) = Site::opened(settings());
    for plain in [10, 20, 40, 60, 60] {
        site.wait(open_for).visit("/", REFUSED);
        let change = site.changes().pop().unwrap();
        assert_eq!((change.to, change.reason), (State::Open, Reason::ProbeFailed));
        open_for = change.numbers.open_for.unwrap();
        assert!(open_for >= seconds(plain).mul_f64(0.8), "{open_for:?}");
        assert!(open_for <= seconds(plain).mul_f64(1.2).min(seconds(60)), "{open_for:?}");
    }
}

#[test]
fn closing_brings_the_open_time_back_to_its_minimum() {
    let (mut site, open_for) = Site::opened(settings());
    site.wait(open_for).visit("/", REFUSED);
    site.wait(seconds(60)).visit("/", GOOD);
    site.visits(5, "/", REFUSED);
    let open_for = site.changes().pop().unwrap().numbers.open_for.unwrap();
    assert!(open_for >= seconds(5) && open_for <= seconds(6), "{open_for:?}");
}

#[test]
fn only_as_many_probes_as_allowed_are_inside() {
    let (mut site, open_for) = Site::opened(Settings { probes: 2, ..settings() });
    site.wait(open_for);
    let _inside = site.enter_all(&["/a", "/b"]);
    assert_eq!(site.get("/c").err(), Some((State::HalfOpen, seconds(1))));
}

#[test]
fn it_closes_after_good_probes_in_a_row_only() {
    let (mut site, open_for) = Site::opened(Settings { close: 3, ..settings() });
    site.wait(open_for).visits(2, "/", GOOD);
    assert_eq!(site.application(), State::HalfOpen);
    site.visit("/", REFUSED);
    assert_eq!(site.application(), State::Open);
    site.wait(seconds(60)).visits(2, "/", GOOD);
    assert_eq!(site.application(), State::HalfOpen);
    site.visit("/", GOOD);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn an_overdue_probe_has_failed_at_that_moment() {
    let (mut site, open_for) = Site::opened(settings());
    let mut probe = site.wait(open_for).enter("/");
    site.wait(seconds(10)).overdue(&mut probe);
    assert_eq!(site.application(), State::Open);
    assert_eq!(site.last_reason(), Some(Reason::ProbeOverdue));
    site.end(probe, GOOD);
    assert_eq!(site.application(), State::Open, "its good end comes too late");
}

#[test]
fn a_client_that_leaves_gives_the_probe_place_back() {
    let (mut site, open_for) = Site::opened(settings());
    let probe = site.wait(open_for).enter("/");
    site.leave(probe);
    assert_eq!(site.application(), State::HalfOpen);
    site.visit("/", GOOD);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn a_lost_probe_frees_itself_and_its_late_result_is_dropped() {
    let (mut site, open_for) = Site::opened(settings());
    let lost = site.wait(open_for).enter("/");
    assert!(site.wait(seconds(15)).get("/").is_err(), "it may be timing out right now");
    let probe = site.wait(seconds(1)).enter("/");
    site.end(lost, REFUSED);
    assert_eq!(site.application(), State::HalfOpen);
    site.end(probe, GOOD);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn a_probe_that_times_out_on_the_dot_is_heard() {
    let (mut site, open_for) = Site::opened(settings());
    let probe = site.wait(open_for).enter("/");
    assert!(site.wait(seconds(15)).get("/").is_err());
    site.wait(Duration::from_millis(20)).end(probe, TIMEOUT);
    assert_eq!(site.last_reason(), Some(Reason::ProbeFailed));
}

#[test]
fn settings_of_zero_probes_and_zero_good_ones_still_close() {
    let (mut site, open_for) = Site::opened(Settings { probes: 0, close: 0, ..settings() });
    site.wait(open_for).visit("/", GOOD);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn a_probe_of_what_hung_is_known_as_one() {
    let mut site = Site::new();
    let mut calls = site.enter_all(&["/a", "/b", "/c", "/d", "/e"]);
    site.wait(seconds(10)).overdue_all(&mut calls);
    assert_eq!(site.application(), State::Open);
    let probe = site.wait(seconds(7)).enter("/a");
    assert!(probe.permit.is_probe() && probe.permit.may_hang());
    let (mut refused, open_for) = Site::opened(settings());
    let probe = refused.wait(open_for).enter("/a");
    assert!(probe.permit.is_probe() && !probe.permit.may_hang());
    assert!(!Site::new().enter("/a").permit.may_hang());
}
