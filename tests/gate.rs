//! The gate, patience, and a total hang, on the real binary.

mod fair;
mod hanging;
mod joined;

use crate::support::client::{Answer, Visit, get, head, post};
use crate::support::origin::{Behaviour, Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// One place, and a page that takes it until the application is told to answer.
fn one_place(origin: &Origin) -> Setup {
    Setup::before(origin).set("GATE_MODE", "fixed").set("GATE_MAX", 1).set("GATE_MIN", 1)
}

/// Takes a place until `/hang` is told to answer.
fn take_a_place(origin: &Origin, retter: &Retter) -> JoinHandle<Answer> {
    origin.set("/hang", Behaviour::Hang);
    let before = origin.hits("/hang");
    let visit = go(retter, get("/hang"));
    assert!(until(SOON, || origin.hits("/hang") > before));
    visit
}

/// A visit that is not waited for.
fn go(retter: &Retter, visit: Visit) -> JoinHandle<Answer> {
    let address = retter.address();
    thread::spawn(move || visit.to(address))
}

fn waiting(retter: &Retter) -> f64 {
    retter.figure(&["gate-waiting"])
}

fn came(visit: JoinHandle<Answer>) -> Answer {
    visit.join().expect("an answer")
}

fn details(answer: &Answer) -> &str {
    answer.header("cache-status").unwrap_or_default()
}

#[test]
fn a_visitor_who_has_a_copy_gets_it_at_a_full_gate_and_it_is_refreshed_when_there_is_room() {
    let origin = Origin::new().route("/page", ok("old"));
    let retter = one_place(&origin).start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    origin.set("/page", ok("new"));
    let hanging = take_a_place(&origin, &retter);
    let began = Instant::now();
    let answer = retter.get("/page");
    assert_eq!(
        (answer.text(), answer.retter(), answer.circuit()),
        ("old".into(), "cache", "CLOSED")
    );
    assert!(details(&answer).starts_with("retter; hit; ttl="), "{answer:?}");
    assert!(details(&answer).ends_with("; detail=gate-full"), "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(1));
    let head = retter.visit(&head("/page"));
    assert_eq!((head.status, head.retter()), (200, "cache"));
    assert_eq!(origin.hits("/page"), 1);
    origin.set("/hang", ok("at last"));
    assert_eq!(came(hanging).text(), "at last");
    assert!(until(SOON, || origin.hits("/page") == 2), "refreshed without a visitor");
    assert!(until(SOON, || retter.figure(&["gate-inside"]) == 0.0));
    let hanging = take_a_place(&origin, &retter);
    assert!(until(SOON, || retter.get("/page").text() == "new"));
    origin.set("/hang", ok("at last"));
    came(hanging);
}

#[test]
fn a_visitor_without_a_copy_waits_for_his_turn_and_then_is_told_when_to_come_again() {
    let origin = Origin::new().route("/page", ok("a page"));
    let retter = one_place(&origin).set("GATE_WAIT", "300ms").start();
    let hanging = take_a_place(&origin, &retter);
    let answer = retter.get("/page");
    assert_eq!((answer.status, answer.retter()), (503, "no-cache"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(origin.hits("/page"), 0);
    assert_eq!(retter.figure(&["gate", "waited-too-long"]), 1.0);
    origin.set("/hang", ok("at last"));
    came(hanging);
    assert_eq!(retter.get("/page").text(), "a page");
    assert_eq!(retter.figure(&["gate-inside"]), 0.0);
}

#[test]
fn what_only_the_application_can_do_goes_first() {
    let origin = Origin::new().elsewhere(ok("done"));
    let retter = one_place(&origin).set("GATE_WAIT", 20).start();
    let hanging = take_a_place(&origin, &retter);
    let mut visits = Vec::new();
    for (number, visit) in [get("/a"), get("/b"), post("/order", "one")].into_iter().enumerate() {
        visits.push(go(&retter, visit));
        assert!(until(SOON, || waiting(&retter) == (number + 1) as f64));
    }
    origin.set("/hang", ok("at last"));
    came(hanging);
    assert!(visits.into_iter().all(|visit| came(visit).text() == "done"));
    let order: Vec<_> = origin.seen().iter().map(|seen| seen.path()).collect();
    assert_eq!(order, ["/hang", "/order", "/a", "/b"]);
}

#[test]
fn a_post_waits_as_long_as_others_and_never_gets_a_copy() {
    let origin = Origin::new().route("/page", ok("a page"));
    let retter = one_place(&origin).set("GATE_WAIT", "200ms").start();
    retter.get("/page");
    let hanging = take_a_place(&origin, &retter);
    let answer = retter.visit(&post("/page", "words"));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.header("x-retter"), None);
    assert!(origin.seen().iter().all(|seen| seen.method() != "POST"));
    origin.set("/hang", ok("at last"));
    came(hanging);
}

#[test]
fn a_full_queue_is_said_at_once() {
    let origin = Origin::new();
    let retter = one_place(&origin).set("GATE_QUEUE", 0).set("GATE_WAIT", 20).start();
    let hanging = take_a_place(&origin, &retter);
    let began = Instant::now();
    assert_eq!(retter.get("/page").status, 503);
    assert!(began.elapsed() < Duration::from_secs(5));
    origin.set("/hang", ok("at last"));
    came(hanging);
}

#[test]
fn a_slot_is_held_until_the_call_has_ended_also_when_its_visitor_has_left() {
    let origin = Origin::new().route("/page", ok("a page"));
    let retter = one_place(&origin).set("GATE_WAIT", "200ms").start();
    origin.set("/hang", Behaviour::Hang);
    let mut left = crate::support::talk::Talk::open(retter.address());
    left.say(get("/hang").bytes());
    assert!(until(SOON, || origin.hits("/hang") == 1));
    left.slam();
    assert_eq!(retter.get("/page").status, 503);
    origin.set("/hang", ok("at last"));
    assert!(until(SOON, || retter.figure(&["gate-inside"]) == 0.0));
    assert_eq!(retter.get("/page").status, 200);
}

#[test]
fn events_and_long_polling_take_no_places() {
    use crate::support::origin::Ending;
    let events = ok("data: first\n\ndata: second\n\n").typed("text/event-stream").chunked();
    let origin = Origin::new()
        .route("/events", events.ending(Ending::HangAt(13)))
        .route("/poll", Behaviour::Hang)
        .elsewhere(ok("a page"));
    let retter = one_place(&origin).set("BREAKER_IGNORE", "/poll").start();
    let mut listener = crate::support::talk::Talk::open(retter.address());
    listener.say(get("/events").bytes());
    assert!(!listener.hear_some(1, SOON).bytes.is_empty());
    let polling = go(&retter, get("/poll"));
    assert!(until(SOON, || origin.hits("/poll") == 1));
    assert!(until(SOON, || retter.figure(&["gate-inside"]) == 0.0));
    assert_eq!(retter.get("/page").text(), "a page");
    origin.set("/poll", ok("news"));
    assert_eq!(came(polling).text(), "news");
}

#[test]
fn without_a_gate_all_go_in() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let retter = Setup::before(&origin).set("GATE_MODE", "off").start();
    let visits: Vec<_> = (0..40).map(|number| go(&retter, get(&format!("/{number}")))).collect();
    assert!(until(SOON, || origin.seen().len() == 40));
    origin.set_all(ok("at last"));
    assert!(visits.into_iter().all(|visit| came(visit).status == 200));
}
