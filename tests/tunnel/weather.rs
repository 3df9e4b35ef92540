//! On a bad day: no copy can help who wants a tunnel, so he is told at once, and the application is
//! spared.

use super::{Visitor, request};
use crate::support::client::{Answer, Line, get};
use crate::support::origin::{Behaviour, Origin, echo, fail, ok, websocket};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn an_open_breaker_refuses_without_asking() {
    let origin = Origin::new().elsewhere(fail(500));
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", "60").start();
    opens(&retter);
    origin.set_all(websocket(echo));
    let asked = origin.seen().len();
    is_refused(&ask(&retter), "OPEN");
    assert_eq!(origin.seen().len(), asked);
}

#[test]
fn it_never_is_the_probe() {
    let origin = Origin::new().elsewhere(fail(500));
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", "1 second").start();
    opens(&retter);
    origin.set_all(websocket(echo));
    origin.set("/probe", Behaviour::Hang);
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(ask(&retter).status, 503, "the time is over, and this is not what is tried");
    let address = retter.address();
    let probe = thread::spawn(move || get("/probe").to(address));
    assert!(until(SOON, || origin.hits("/probe") == 1));
    is_refused(&ask(&retter), "HALF-OPEN");
    assert_eq!(origin.hits("/chat"), 0);
    origin.set("/probe", ok("recovered"));
    assert_eq!(probe.join().expect("no panic").text(), "recovered");
    Visitor::open(&retter, "/chat").hears_back(b"and it goes on");
}

#[test]
fn failures_count_and_a_101_is_a_success() {
    let origin = Origin::new().elsewhere(fail(500));
    let setup = Setup::before(&origin).set("BREAKER_MINIMUM", 1000).set("BREAKER_OPEN_MIN", "60");
    let retter = setup.start();
    for _ in 0..3 {
        (0..4).for_each(|_| assert_eq!(ask(&retter).status, 500));
        origin.set_all(websocket(echo));
        drop(Visitor::open(&retter, "/chat"));
        origin.set_all(fail(500));
    }
    (0..5).for_each(|_| assert_eq!(ask(&retter).status, 500));
    is_refused(&ask(&retter), "OPEN");
}

#[test]
fn its_slot_is_free_again_when_the_application_has_agreed() {
    let origin = Origin::new().route("/chat", websocket(echo)).elsewhere(ok("a page"));
    let setup = Setup::before(&origin).set("GATE_MODE", "fixed").set("GATE_MIN", 1);
    let retter = setup.set("GATE_MAX", 1).set("GATE_WAIT", 0).start();
    let mut visitors: Vec<_> = (0..5).map(|_| Visitor::open(&retter, "/chat")).collect();
    assert_eq!(retter.get("/page").status, 200);
    visitors.iter_mut().for_each(|visitor| visitor.hears_back(b"here"));
    assert_eq!(retter.figure(&["gate-inside"]), 0.0);
}

#[test]
fn at_a_full_gate_it_waits_its_turn() {
    let origin = Origin::new().route("/chat", websocket(echo)).route("/slow", Behaviour::Hang);
    let setup = Setup::before(&origin).set("GATE_MODE", "fixed").set("GATE_MIN", 1);
    let setup = setup.set("GATE_MAX", 1).set("BACKEND_TIMEOUT", "20");
    let retter = setup.set("GATE_WAIT", "500ms").start();
    let address = retter.address();
    let slow = thread::spawn(move || get("/slow").to(address));
    assert!(until(SOON, || origin.hits("/slow") == 1));
    is_refused(&ask(&retter), "CLOSED");
    assert_eq!(origin.hits("/chat"), 0);
    origin.set("/slow", ok("done"));
    assert!(slow.join().expect("no panic").is_whole());
    Visitor::open(&retter, "/chat").hears_back(b"his turn");
}

#[test]
fn it_is_asked_for_once_whatever_happens() {
    let origin = Origin::new().elsewhere(Behaviour::Reset);
    let setup = Setup::before(&origin).without_breaker().set("RETRY_ATTEMPTS", 5);
    let retter = setup.set("HEDGE_DELAY", "50ms").start();
    assert_eq!((ask(&retter).status, origin.hits("/chat")), (502, 1));
    origin.set_all(fail(503));
    assert_eq!((ask(&retter).status, origin.hits("/chat")), (503, 2));
    origin.set_all(Behaviour::Hang);
    let began = Instant::now();
    assert_eq!((ask(&retter).status, origin.hits("/chat")), (504, 3));
    assert!(began.elapsed() < Duration::from_secs(3), "backend.timeout is one second");
    origin.down();
    assert_eq!(ask(&retter).status, 502);
}

#[test]
fn a_visitor_who_leaves_before_the_answer_leaves_no_tunnel() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "20").start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&request("/chat").bytes()).expect("sent");
    assert!(until(SOON, || origin.hits("/chat") == 1));
    drop(line);
    origin.set_all(websocket(echo));
    assert!(until(SOON, || origin.live() == 0), "the application talks to nobody");
    assert_eq!(retter.figure(&["tunnels", "open"]), 0.0);
    assert!(!retter.has_panicked());
}

#[test]
fn it_is_in_the_log_and_in_the_figures() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let retter = Setup::before(&origin).start();
    let mut visitors = [(); 3].map(|()| Visitor::open(&retter, "/chat;jsessionid=1?token=2"));
    visitors[0].hears_back(b"12345");
    assert_eq!(retter.figure(&["tunnels", "open"]), 3.0);
    assert_eq!(retter.figure(&["served", "backend"]), 3.0);
    drop(visitors);
    assert!(until(SOON, || retter.figure(&["tunnels", "open"]) == 0.0));
    assert_eq!(retter.figure(&["tunnels", "all"]), 3.0);
    let log = retter.log();
    let line = |words: &str| log.lines().find(|line| words.split(' ').all(|it| line.contains(it)));
    let asked = line("method=GET path=\"/chat\" status=101").unwrap_or_else(|| panic!("{log}"));
    assert!(asked.contains("served=\"backend\""), "{asked}");
    assert!(line("tunnel ended path=\"/chat\" up=5 down=5 why=\"closed\"").is_some(), "{log}");
    assert!(!log.contains("token"), "{log}");
}

fn opens(retter: &Retter) {
    (0..5).for_each(|number| drop(retter.get(&format!("/{number}"))));
}

fn ask(retter: &Retter) -> Answer {
    let mut line = Line::open(retter.address()).expect("it listens");
    line.send(&request("/chat"))
}

fn is_refused(answer: &Answer, circuit: &str) {
    assert_eq!((answer.status, answer.circuit()), (503, circuit), "{answer:?}");
    assert!(answer.header("retry-after").is_some() && answer.is_whole(), "{answer:?}");
}
