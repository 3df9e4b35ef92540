//! How long it stays open, and whose results are dropped.

use super::*;

#[test]
fn open_breaker_rejects_until_its_time_and_says_when() {
    let (mut site, open_for) = Site::opened(settings());
    assert_eq!(site.get("/").err(), Some((State::Open, open_for)));
    site.wait(open_for - Duration::from_millis(1));
    assert_eq!(site.get("/").err(), Some((State::Open, seconds(1))), "at least a second");
    assert!(site.wait(Duration::from_millis(1)).get("/").is_ok());
}

#[test]
fn open_breaker_reads_open_until_a_probe_is_admitted() {
    let (mut site, open_for) = Site::opened(settings());
    site.wait(open_for + seconds(100));
    assert_eq!(site.application(), State::Open);
    let probe = site.enter("/");
    assert!(probe.permit.is_probe());
    assert_eq!(site.application(), State::HalfOpen);
    assert_eq!(site.last_reason(), Some(Reason::TimeElapsed));
}

#[test]
fn a_head_is_never_the_probe() {
    let (mut site, open_for) = Site::opened(settings());
    site.wait(open_for);
    assert_eq!(site.ask("/", Ask::NeverProbe).err(), Some((State::Open, seconds(1))));
    let probe = site.enter("/");
    assert_eq!(site.ask("/", Ask::NeverProbe).err(), Some((State::HalfOpen, seconds(1))));
    site.end(probe, GOOD);
    assert!(site.ask("/", Ask::NeverProbe).is_ok());
}

#[test]
fn calls_from_before_the_opening_are_not_judged() {
    let mut site = Site::new();
    let old = site.enter_all(&["/"; 10]);
    site.visits(5, "/", REFUSED);
    site.wait(seconds(6));
    let probe = site.enter("/");
    site.end(probe, GOOD);
    old.into_iter().for_each(|call| site.end(call, REFUSED));
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn calls_from_before_the_opening_open_no_path_either() {
    let mut site = Site::new();
    let mut old = site.enter_all(&["/"; 10]);
    site.visits(5, "/", REFUSED);
    site.wait(seconds(6)).visit("/", GOOD);
    site.overdue_all(&mut old);
    old.into_iter().for_each(|call| site.end(call, TIMEOUT));
    assert_eq!(site.state("/"), State::Closed);
}

#[test]
fn a_good_answer_from_before_the_opening_does_not_close() {
    let mut site = Site::new();
    let old = site.enter("/");
    site.visits(5, "/", REFUSED);
    let _probe = site.wait(seconds(6)).enter("/");
    site.end(old, GOOD);
    assert_eq!(site.application(), State::HalfOpen);
}

#[test]
fn retry_after_on_a_503_lengthens_the_open_time_within_its_bounds() {
    for (asked, given) in [(30, 30), (3_600, 60)] {
        let mut site = Site::new();
        let busy = status(503, Some(seconds(asked)));
        FIVE.iter().for_each(|path| site.visit(path, busy));
        assert_eq!(site.changes()[0].numbers.open_for, Some(seconds(given)));
    }
}

#[test]
fn retry_after_on_another_status_is_not_heard() {
    let mut site = Site::new();
    FIVE.iter().for_each(|path| site.visit(path, status(500, Some(seconds(60)))));
    assert!(site.changes()[0].numbers.open_for < Some(seconds(7)));
}
