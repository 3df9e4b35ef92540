//! The promise while the breaker is not closed: copies come at once, nobody is dropped, and the
//! application is asked by the probe alone.

use super::want::{is_marked_as_copy, is_ours};
use super::{ME, THEM, page, page_text, visit};
use crate::support::client::{Answer, Line, get, head, post};
use crate::support::origin::{Behaviour, Origin, computed, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn open_breaker_serves_the_last_known_good_at_once_and_asks_nobody() {
    let (origin, retter) = opened(LONG);
    let (before, started) = (origin.seen().len(), Instant::now());
    for (path, visitor) in [("/mine", ME), ("/theirs", THEM), ("/page", "")] {
        let answer = retter.visit(&visit(path, visitor));
        assert_eq!(answer.text(), page_text(path, visitor));
        is_copy_unasked(&answer, "OPEN");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(origin.seen().len(), before);
}

#[test]
fn open_breaker_refuses_who_has_no_copy_with_503_and_a_time() {
    let (origin, retter) = opened(LONG);
    let before = origin.seen().len();
    for (path, visitor) in [("/none", ""), ("/none", ME), ("/theirs", ME), ("/page", ME)] {
        let answer = retter.visit(&visit(path, visitor));
        is_refused(&answer, &origin, "OPEN");
        let seconds = answer.header("retry-after").and_then(|text| text.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{answer:?}");
    }
    assert_eq!(origin.seen().len(), before);
}

#[test]
fn no_request_of_a_visitor_can_force_work_on_an_open_application() {
    let (origin, retter) = opened(LONG);
    let before = origin.seen().len();
    for (name, value) in
        [("Cache-Control", "no-cache"), ("Pragma", "no-cache"), ("Range", "bytes=0-1")]
    {
        retter.visit(&get("/page").header(name, value));
        retter.visit(&get("/page?random=1").header(name, value));
    }
    assert_eq!(origin.seen().len(), before);
}

#[test]
fn the_failure_that_opens_the_breaker_says_so_itself() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", LONG).start();
    origin.down();
    let circuits: Vec<_> = (1..=5).map(|n| circuit(&retter.get(&format!("/{n}")))).collect();
    assert_eq!(circuits, ["CLOSED", "CLOSED", "CLOSED", "CLOSED", "OPEN"]);
}

#[test]
fn half_open_breaker_asks_by_one_probe_and_answers_everybody_else() {
    let (origin, retter) = opened(SHORT);
    origin.set("/probe", Behaviour::Hang);
    let address = retter.address();
    let probe = start_probe(&origin, &retter);
    let before = origin.seen().len();
    for _ in 0..5 {
        is_copy_unasked(&retter.get("/page"), "HALF-OPEN");
        is_refused(&retter.get("/none"), &origin, "HALF-OPEN");
        is_refused(&get("/page").cookie(ME).to(address), &origin, "HALF-OPEN");
    }
    assert_eq!(origin.seen().len(), before);
    origin.set("/probe", ok("recovered"));
    let answer = probe.join().expect("no panic");
    assert_eq!((answer.text().as_str(), answer.retter()), ("recovered", "backend"));
    assert_eq!(answer.circuit(), "CLOSED", "a good probe says so itself");
    assert!(until(SOON, || retter.get("/none").status == 200));
    assert_eq!(circuit(&retter.get("/page")), "CLOSED");
}

#[test]
fn failed_probe_opens_again_and_its_visitor_gets_the_copy() {
    let (origin, retter) = opened(SHORT);
    origin.set_all(fail(503));
    let mut last = retter.get("/page");
    assert!(until(SOON, || {
        last = retter.get("/page");
        origin.hits("/page") == 2
    }));
    assert_eq!((last.text(), last.retter()), (page_text("/page", ""), "cache"));
    assert_eq!(last.circuit(), "OPEN");
    assert!(last.header("cache-status").is_some_and(|why| why.contains("fwd-status=503")));
}

#[test]
fn one_broken_page_does_not_close_the_shop() {
    let origin = Origin::new().route("/report", fail(500)).elsewhere(ok("well"));
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", LONG).start();
    for _ in 0..10 {
        retter.get("/report");
        assert_eq!(retter.get("/page").retter(), "backend");
    }
    assert_eq!(retter.get("/report").status, 503);
    assert_eq!(origin.hits("/report"), 5, "the broken page is left alone");
    assert_eq!((origin.hits("/page"), circuit(&retter.get("/page"))), (10, "CLOSED".into()));
}

#[test]
fn heads_are_answered_from_the_copy_or_refused_while_open() {
    let (origin, retter) = opened(LONG);
    let before = origin.seen().len();
    let copy = retter.visit(&head("/page"));
    assert_eq!((copy.status, copy.retter(), copy.circuit()), (200, "cache", "OPEN"));
    assert_eq!(copy.header("content-length"), Some(&*page_text("/page", "").len().to_string()));
    assert!(copy.is_whole() && copy.body.is_empty());
    let refused = retter.visit(&head("/none"));
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true));
    assert_eq!(origin.seen().len(), before);
}

#[test]
fn heads_are_never_probes() {
    let (origin, retter) = opened(SHORT);
    thread::sleep(Duration::from_millis(1500));
    let before = origin.seen().len();
    assert_eq!(retter.visit(&head("/page")).retter(), "cache");
    assert_eq!(retter.visit(&head("/none")).status, 503);
    assert_eq!(origin.seen().len(), before);
}

#[test]
fn posts_go_through_an_open_breaker_untouched() {
    let (origin, retter) = opened(LONG);
    let answer = retter.visit(&post("/order", "two lifebelts").cookie(ME));
    assert_eq!((answer.status, answer.header("x-retter")), (200, None));
    assert_eq!(origin.last("/order").body, b"two lifebelts");
    assert_eq!(circuit(&retter.get("/page")), "OPEN", "and change nothing about it");
}

#[test]
fn failing_posts_are_no_outcomes() {
    let origin = Origin::new().elsewhere(fail(500));
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", LONG).start();
    for number in 0..20 {
        assert_eq!(retter.visit(&post(&format!("/{number}"), "x")).status, 500);
    }
    assert_eq!(circuit(&retter.get("/page")), "CLOSED");
}

#[test]
fn bad_answers_of_ignored_paths_open_nothing() {
    let origin = Origin::new().route("/poll/hang", Behaviour::Hang).elsewhere(fail(500));
    let setup = Setup::before(&origin).set("BREAKER_IGNORE", "/poll/**");
    let setup = setup.set("BREAKER_SLOW_TIME", "100ms").set("BACKEND_TIMEOUT", "200ms");
    let retter = setup.set("BREAKER_OPEN_MIN", LONG).start();
    for number in 1..=10 {
        assert_eq!(circuit(&retter.get("/poll/same")), "CLOSED");
        assert_eq!(circuit(&retter.get(&format!("/poll/{number}"))), "CLOSED");
        assert_eq!(circuit(&retter.get("/poll/hang")), "CLOSED");
    }
    assert_eq!((origin.hits("/poll/same"), origin.hits("/poll/hang")), (10, 10));
    // The same answers elsewhere do.
    let circuits: Vec<_> = (1..=5).map(|n| circuit(&retter.get(&format!("/{n}")))).collect();
    assert_eq!(circuits.last().map(String::as_str), Some("OPEN"));
}

#[test]
fn uploads_that_stall_in_a_get_are_nobodys_failure() {
    let origin = Origin::new().elsewhere(ok("well"));
    let setup = Setup::before(&origin).set("BREAKER_SLOW_TIME", "100ms");
    let setup = setup.set("BACKEND_TIMEOUT", "300ms").set("SERVER_TIMEOUT_READ", "1");
    let retter = setup.set("BREAKER_OPEN_MIN", LONG).start();
    let upload = |path: &str, framing: &str| {
        let mut line = Line::open(retter.address()).expect("it listens");
        let head = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n{framing}\r\n\r\n");
        line.write(head.as_bytes()).expect("sent");
        line.write(b"5\r\nfirst").expect("sent");
        line
    };
    let mut stalled: Vec<_> = (0..10)
        .map(|n| {
            let framing = ["Content-Length: 100", "Transfer-Encoding: chunked"][n % 2];
            upload(["/same", &format!("/{n}")][n / 5], framing)
        })
        .collect();
    let arrived = || origin.seen().iter().filter(|seen| seen.body_length > 0).count();
    assert!(until(SOON, || arrived() == 10), "they are passed on as they come");
    // Some leave, and some are told that they took too long.
    stalled.truncate(6);
    for mut line in stalled {
        let status = line.head().map_or(0, |answer| answer.status);
        assert!(matches!(status, 0 | 400 | 408), "{status}");
    }
    for path in ["/same", "/other"] {
        assert_eq!((retter.get(path).status, circuit(&retter.get(path))), (200, "CLOSED".into()));
    }
    assert!(!retter.log().contains("to=\"OPEN\""), "{}", retter.log());
}

/// A breaker that has just opened for `open`, in front of an application that is well again.
/// `/page` (anonymous), `/mine` and `/theirs` have copies.
fn opened(open: &str) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = Setup::before(&origin)
        .set("BACKEND_TIMEOUT", "30")
        .set("BREAKER_OPEN_MIN", open)
        .set("CACHE_TTL", 600)
        .start();
    for (path, visitor) in [("/page", ""), ("/mine", ME), ("/theirs", THEM)] {
        retter.visit(&visit(path, visitor));
    }
    retter.wait_for_copies(&["/page", "/mine", "/theirs"]);
    origin.down();
    // Each on its own path, so that the paths' own breakers stay closed.
    for number in 1..=5 {
        assert_eq!(retter.get(&format!("/down/{number}")).status, 502);
    }
    origin.up();
    (origin, retter)
}

/// Asks `/probe` until a request arrives there, and leaves that one waiting.
fn start_probe(origin: &Origin, retter: &Retter) -> thread::JoinHandle<Answer> {
    let address = retter.address();
    let mut probe = None;
    let arrived = until(SOON, || {
        let asking = thread::spawn(move || get("/probe").to(address));
        let there =
            until(Duration::from_millis(200), || asking.is_finished() || origin.hits("/probe") > 0);
        probe = Some(asking);
        there && origin.hits("/probe") > 0
    });
    assert!(arrived, "the open time ends, and a probe is let through");
    probe.expect("it has arrived")
}

fn is_copy_unasked(answer: &Answer, circuit: &str) {
    let shown = format!("{answer:?}");
    assert!(answer.is_whole() && answer.status == 200, "{shown}");
    assert_eq!((answer.retter(), answer.circuit()), ("cache", circuit), "{shown}");
    is_marked_as_copy(answer, &shown);
    let why = answer.header("cache-status").unwrap_or_default();
    assert!(why.contains("; hit") && !why.contains("fwd="), "{shown}");
}

fn is_refused(answer: &Answer, origin: &Origin, circuit: &str) {
    is_ours(answer, 503, origin, &format!("{answer:?}"));
    assert_eq!(answer.circuit(), circuit, "{answer:?}");
}

fn circuit(answer: &Answer) -> String {
    answer.circuit().to_owned()
}

/// An open time nobody waits for the end of.
const LONG: &str = "30 seconds";
const SHORT: &str = "1 second";
