//! When it opens on slow calls, on overdue ones still inside, and on a total hang.

use super::*;
use globset::Glob;

#[test]
fn calls_still_inside_and_overdue_open_by_their_share() {
    let mut site = Site::new();
    site.visits(2, "/", GOOD);
    let mut calls = site.enter_all(&["/a", "/b", "/c", "/d"]);
    site.wait(seconds(9)).visit("/", GOOD);
    site.overdue_all(&mut calls);
    assert_eq!(site.application(), State::Closed, "4 of 7");
    let mut late = site.enter_all(&["/a", "/b"]);
    site.overdue_all(&mut late);
    let change = site.changes().remove(0);
    assert_eq!(change.reason, Reason::SlowRate);
    assert_eq!((change.numbers.slow, change.numbers.total), (6, 9));
}

#[test]
fn a_call_inside_stays_slow_however_long_the_window() {
    let mut site = Site::with(Settings { consecutive_fail: 100, ..settings() });
    let mut calls = site.enter_all(&["/a", "/b", "/c", "/d"]);
    site.wait(seconds(10)).overdue_all(&mut calls);
    site.wait(seconds(600));
    let mut last = site.enter("/e");
    site.overdue(&mut last);
    assert_eq!(site.last_reason(), Some(Reason::SlowRate));
}

#[test]
fn a_slow_success_counts_as_slow_and_ends_a_run_of_failures() {
    let mut site = Site::new();
    site.visits(4, "/", REFUSED);
    let mut slow = site.enter("/slow");
    site.overdue(&mut slow);
    site.wait(seconds(11)).end(slow, GOOD);
    site.visits(1, "/", REFUSED);
    assert_eq!(site.application(), State::Closed);
    let numbers = site.breakers.application.numbers();
    assert_eq!((numbers.slow, numbers.consecutive), (1, 1));
}

#[test]
fn slow_successes_open_by_their_share() {
    let mut site = Site::with(Settings { consecutive_fail: 0, ..settings() });
    for path in FIVE {
        let mut call = site.enter(path);
        site.overdue(&mut call);
        site.end(call, GOOD);
    }
    assert_eq!(site.last_reason(), Some(Reason::SlowRate));
}

#[test]
fn slowness_of_one_page_opens_that_page_only() {
    let mut site = Site::new();
    let mut calls = site.enter_all(&["/report"; 5]);
    site.wait(seconds(10)).overdue_all(&mut calls);
    assert_eq!(site.state("/report"), State::Open);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn slow_paths_inside_and_slow_paths_ended_make_up_the_three_together() {
    let mut site = Site::with(Settings { consecutive_fail: 0, ..settings() });
    let mut ended = site.enter("/a");
    site.overdue(&mut ended);
    site.end(ended, GOOD);
    let mut calls = site.enter_all(&["/a", "/b", "/a", "/b"]);
    site.overdue_all(&mut calls);
    assert_eq!(site.application(), State::Closed, "two paths");
    let mut third = site.enter("/c");
    site.overdue(&mut third);
    assert_eq!(site.application(), State::Open);
}

#[test]
fn overdue_said_twice_counts_once() {
    let mut site = Site::new();
    let mut call = site.enter("/a");
    (0..10).for_each(|_| site.overdue(&mut call));
    assert_eq!(site.breakers.application.numbers().slow, 1);
}

#[test]
fn a_client_that_leaves_an_overdue_call_leaves_its_slowness_behind() {
    let mut site = Site::with(Settings { consecutive_fail: 0, ..settings() });
    for path in ["/a", "/b", "/c", "/d"] {
        let mut call = site.enter(path);
        site.overdue(&mut call);
        site.leave(call);
    }
    assert_eq!(site.held(), 0);
    let mut last = site.enter("/e");
    site.overdue(&mut last);
    assert_eq!(site.last_reason(), Some(Reason::SlowRate));
}

#[test]
fn bad_answers_of_ignored_paths_say_nothing_but_a_refused_connection_does() {
    let poll = Glob::new("/poll/*").unwrap().compile_matcher();
    let mut site = Site::with(Settings { ignore: vec![poll], ..settings() });
    let paths = ["/poll/a", "/poll/b", "/poll/c", "/poll/d", "/poll/e"];
    let mut calls = site.enter_all(&paths);
    site.wait(seconds(60)).overdue_all(&mut calls);
    calls.into_iter().for_each(|call| site.end(call, TIMEOUT));
    assert_eq!((site.application(), site.breakers.len()), (State::Closed, 0));
    let calls = site.enter_all(&paths);
    calls.into_iter().for_each(|call| site.end(call, Outcome::Failed(Fault::Transport)));
    assert_eq!(site.application(), State::Open);
}

#[test]
fn a_total_hang_opens_whatever_good_calls_the_window_still_holds() {
    let mut site = Site::with(Settings { window: seconds(60), ..settings() });
    site.visits(1_000, "/", GOOD);
    let mut calls = site.wait(seconds(1)).enter_all(&FIVE);
    site.wait(seconds(10)).overdue_all(&mut calls[..4]);
    assert_eq!(site.application(), State::Closed);
    site.overdue_all(&mut calls[4..]);
    assert_eq!(site.last_reason(), Some(Reason::TotalHang));
}

#[test]
fn an_answer_since_the_oldest_overdue_call_began_is_no_total_hang_be_it_good_or_bad() {
    for answer in [GOOD, E500] {
        let mut site = Site::new();
        site.visits(100, "/", GOOD);
        let mut calls = site.enter_all(&FIVE);
        site.wait(seconds(5)).visit("/", answer);
        site.wait(seconds(4)).overdue_all(&mut calls);
        assert_eq!(site.application(), State::Closed);
    }
}

#[test]
fn timeouts_are_no_sign_of_life() {
    let mut site = Site::with(Settings { window: seconds(60), ..settings() });
    site.visits(1_000, "/", GOOD);
    let mut calls = site.wait(seconds(1)).enter_all(&FIVE);
    site.visit("/", TIMEOUT);
    site.wait(seconds(10)).overdue_all(&mut calls);
    assert_eq!(site.last_reason(), Some(Reason::TotalHang));
}

#[test]
fn a_hang_of_two_pages_is_not_a_hang_of_the_application() {
    let mut site = Site::with(Settings { window: seconds(60), ..settings() });
    site.visits(100, "/", GOOD);
    let mut calls = site.wait(seconds(1)).enter_all(&["/a", "/b", "/a", "/b", "/a", "/b"]);
    site.wait(seconds(10)).overdue_all(&mut calls);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn a_path_whose_overdue_calls_have_left_is_no_part_of_a_hang() {
    let mut site = Site::with(Settings { window: seconds(60), ..settings() });
    site.visits(100, "/", GOOD);
    site.wait(seconds(1));
    let mut gone = site.enter("/c");
    site.overdue(&mut gone);
    site.leave(gone);
    let mut calls = site.enter_all(&["/a", "/b", "/a", "/b", "/a"]);
    site.overdue_all(&mut calls);
    assert_eq!(site.application(), State::Closed);
}

#[test]
fn fewer_overdue_calls_are_a_hang_if_they_fill_the_application() {
    for (room, state) in [(None, State::Closed), (Some(5), State::Closed), (Some(4), State::Open)] {
        let mut site = Site::new();
        site.visits(50, "/", GOOD);
        let mut calls = site.wait(seconds(1)).enter_all(&["/a", "/b", "/c", "/c"]);
        site.room = room;
        site.wait(seconds(9)).overdue_all(&mut calls);
        assert_eq!(site.application(), state, "{room:?}");
    }
}
