//! Being told to stop: what runs is finished, what is queued is written, and then it ends.

use crate::support::client::{Line, get};
use crate::support::origin::{Behaviour, Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::thread;
use std::time::Duration;

#[test]
fn sigterm_lets_a_running_answer_finish() {
    finishes_a_running_answer("TERM");
}

#[test]
fn sigint_lets_a_running_answer_finish() {
    finishes_a_running_answer("INT");
}

fn finishes_a_running_answer(signal: &str) {
    let origin = Origin::new().route("/slow", Behaviour::Hang);
    let mut retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "20").start();
    let address = retter.address();
    let visitor = thread::spawn(move || get("/slow").to(address));
    assert!(until(SOON, || origin.hits("/slow") == 1));
    retter.signal(signal);
    assert!(until(SOON, || Line::open(address).is_err()), "no new visitors are let in");
    assert!(retter.ended(Duration::ZERO).is_none(), "it waits for the running answer");
    origin.set("/slow", ok("finished"));
    let answer = visitor.join().expect("no panic");
    assert!(answer.is_whole() && answer.text() == "finished", "{answer:?}");
    assert_eq!(retter.ended(SOON).and_then(|status| status.code()), Some(0));
}

#[test]
fn what_was_queued_for_the_file_is_in_it_afterwards() {
    let origin = Origin::new().elsewhere(ok("kept"));
    let mut retter = Setup::before(&origin).set("STORE_COMMIT", "5 seconds").start();
    retter.get("/page");
    retter.term();
    assert_eq!(retter.ended(SOON).and_then(|status| status.code()), Some(0));
    let dump = String::from_utf8_lossy(&retter.dump().stdout).into_owned();
    assert!(dump.contains("/page"), "{dump}");
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let origin = Origin::new().elsewhere(ok("1"));
    let mut retter = Setup::before(&origin).start();
    let mut idle = Line::open(retter.address()).expect("it listens");
    assert!(idle.send(&get("/")).is_whole());
    retter.term();
    assert_eq!(retter.ended(SOON).and_then(|status| status.code()), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let origin = Origin::new().route("/", Behaviour::Hang);
    let (mut retter, visitor) = with_a_hanging_visitor(&origin, "30");
    retter.term();
    assert!(retter.ended(Duration::from_millis(500)).is_none());
    retter.term();
    assert!(retter.ended(Duration::from_secs(3)).is_some());
    visitor.join().expect("no panic");
}

#[test]
fn nobody_is_waited_for_longer_than_the_grace() {
    let origin = Origin::new().route("/", Behaviour::Hang);
    let (mut retter, visitor) = with_a_hanging_visitor(&origin, "1");
    retter.term();
    assert!(retter.ended(Duration::from_secs(5)).is_some());
    assert!(!visitor.join().expect("no panic").is_whole());
}

/// As certificate renewers send it; a terminal that is closed does too.
#[test]
fn a_hangup_ends_nothing() {
    let origin = Origin::new().elsewhere(ok("1"));
    let mut retter = Setup::before(&origin).start();
    let mut line = Line::open(retter.address()).expect("it listens");
    assert!(line.send(&get("/")).is_whole());
    for _ in 0..2 {
        retter.signal("HUP");
    }
    assert!(until(SOON, || retter.log().contains("SIGHUP passed over")), "{}", retter.log());
    assert!(line.send(&get("/")).is_whole(), "its connections stay");
    assert!(retter.get("/").is_whole() && retter.ended(Duration::ZERO).is_none());
}

fn with_a_hanging_visitor(
    origin: &Origin,
    grace: &str,
) -> (Retter, thread::JoinHandle<crate::support::client::Answer>) {
    let setup = Setup::before(origin).set("BACKEND_TIMEOUT", "60");
    let retter = setup.set("SERVER_TIMEOUT_GRACESHUT", grace).start();
    let address = retter.address();
    let visitor = thread::spawn(move || get("/").to(address));
    assert!(until(SOON, || origin.hits("/") == 1));
    (retter, visitor)
}
