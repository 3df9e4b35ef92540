//! When a closed breaker opens on what has ended.

use super::*;

#[test]
fn refused_connections_open_the_application_from_any_path() {
    let mut site = Site::new();
    site.visits(4, "/", REFUSED);
    assert_eq!(site.application(), State::Closed);
    site.visit("/", REFUSED);
    assert_eq!(site.application(), State::Open);
    assert!(site.breakers.is_empty(), "a refused connection is no path's fault");
}

#[test]
fn failure_statuses_from_three_paths_open_the_application() {
    let mut site = Site::new();
    for path in ["/a", "/b", "/a", "/b"] {
        site.visit(path, E500);
    }
    assert_eq!(site.application(), State::Closed);
    site.visit("/c", E500);
    assert_eq!(site.application(), State::Open);
    assert_eq!(site.last_reason(), Some(Reason::ConsecutiveFailures));
}

#[test]
fn one_broken_page_is_left_alone_without_closing_the_shop() {
    let mut site = Site::new();
    site.visits(5, "/broken", E500);
    assert_eq!(site.state("/broken"), State::Open);
    assert_eq!(site.application(), State::Closed);
    assert!(site.get("/broken").is_err());
    site.visit("/", GOOD);
}

#[test]
fn two_broken_pages_do_not_close_the_shop_however_often_they_fail() {
    let mut site = Site::with(Settings { consecutive_fail: 0, fail_rate: 1.0, ..settings() });
    for _ in 0..200 {
        site.visit("/a", E500);
        site.visit("/b", BROKEN);
    }
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn a_good_answer_ends_the_run_of_failures() {
    let mut site = Site::with(Settings { fail_rate: 1.0, ..settings() });
    for _ in 0..10 {
        site.visits(4, "/", REFUSED);
        site.visit("/", GOOD);
    }
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn failures_in_a_row_open_at_any_volume() {
    let mut site = Site::new();
    for _ in 0..5 {
        site.wait(seconds(3_600)).visit("/", REFUSED);
    }
    assert_eq!(site.last_reason(), Some(Reason::ConsecutiveFailures));
}

#[test]
fn a_share_of_failures_above_the_rate_opens_once_there_is_a_minimum_of_outcomes() {
    let mut site = Site::new();
    for outcome in [REFUSED, REFUSED, GOOD, REFUSED] {
        site.visit("/", outcome);
    }
    assert_eq!(site.application(), State::Closed, "3 of 4, but below the minimum");
    site.visit("/", REFUSED);
    let change = site.changes().remove(0);
    assert_eq!((change.level, change.reason), (Level::Application, Reason::FailureRate));
    assert_eq!((change.from, change.to), (State::Closed, State::Open));
    assert_eq!((change.numbers.failures, change.numbers.total), (4, 5));
}

#[test]
fn a_share_of_failures_at_the_rate_does_not_open() {
    let mut site = Site::with(Settings { fail_rate: 0.6, ..settings() });
    for outcome in [GOOD, GOOD, REFUSED, REFUSED, REFUSED] {
        site.visit("/", outcome);
    }
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn failures_that_have_left_the_window_have_no_share_in_the_rate() {
    let mut site = Site::new();
    site.visits(4, "/", REFUSED);
    site.wait(seconds(11)).visits(2, "/", GOOD);
    site.visits(4, "/", REFUSED);
    assert_eq!(site.last_reason(), Some(Reason::FailureRate), "4 of 6");
    let mut site = Site::new();
    site.visits(4, "/", REFUSED);
    site.wait(seconds(11)).visits(3, "/", GOOD);
    site.visits(4, "/", REFUSED);
    assert_eq!(site.application(), State::Closed, "4 of 7");
}

#[test]
fn paths_that_failed_before_the_window_do_not_make_up_the_three() {
    let mut site = Site::with(Settings { consecutive_fail: 0, ..settings() });
    site.visit("/a", E500);
    site.wait(seconds(11));
    for path in ["/b", "/c", "/b", "/c", "/b"] {
        site.visit(path, E500);
    }
    assert_eq!(site.application(), State::Closed);
    site.visit("/a", E500);
    assert_eq!(site.application(), State::Open);
}

#[test]
fn a_client_that_leaves_is_nobodys_failure() {
    let mut site = Site::new();
    for _ in 0..100 {
        let call = site.enter("/");
        site.leave(call);
    }
    assert_eq!((site.application(), site.breakers.len()), (State::Closed, 0));
}
