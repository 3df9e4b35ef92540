//! `breaker.mode` and `retter ctl`: the operator's hand on a real RETTER. `words` holds what is
//! claimed of the command itself.

mod words;

use crate::support::client::{get, head, post};
use crate::support::origin::{Origin, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn forced_open_gives_copies_at_once_although_the_application_is_well() {
    let (origin, retter) = kept(Setup::before);
    assert_eq!(told(&retter, &["open"]), "was auto; is open (X-Circuit: OPEN)\n");
    let (before, started) = (origin.seen().len(), Instant::now());
    for visit in [get("/page"), head("/page")] {
        let copy = retter.visit(&visit);
        assert_eq!((copy.status, copy.retter(), copy.circuit()), (200, "cache", "OPEN"));
        let why = copy.header("cache-status").expect("it says why");
        assert!(why.contains("; hit") && why.contains("detail=breaker-forced-open"), "{why}");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    let refused = retter.get("/none");
    assert_eq!((refused.status, refused.circuit()), (503, "OPEN"));
    assert_eq!(refused.header("retry-after"), Some("60"), "breaker.open.max: it has no end");
    assert_eq!(origin.seen().len(), before, "nobody asks");
    // What may change something is no breaker's affair.
    assert_eq!(retter.visit(&post("/form", "a=b")).status, 200);
    assert_eq!(origin.hits("/form"), 1);
    logs(&retter, "the operator changed breaker.mode: auto -> open");
    told(&retter, &["auto"]);
    let answer = retter.get("/page");
    assert_eq!((answer.retter(), answer.circuit()), ("backend", "CLOSED"));
}

#[test]
fn forced_closed_asks_a_failing_application_each_time() {
    let (origin, retter) =
        kept(|origin| Setup::before(origin).set("BREAKER_OPEN_MIN", LONG).set("RETRY_ATTEMPTS", 1));
    origin.set_all(fail(503));
    assert!(until(SOON, || retter.get("/page").circuit() == "OPEN"));
    told(&retter, &["closed"]);
    let before = origin.hits("/page");
    for _ in 0..20 {
        let copy = retter.get("/page");
        assert_eq!((copy.retter(), copy.circuit()), ("cache", "CLOSED"));
        assert!(copy.header("cache-status").is_some_and(|why| why.contains("fwd-status=503")));
    }
    assert_eq!(origin.hits("/page"), before + 20);
    let counted = status(&retter)["application"]["failures"].as_u64();
    assert!(counted.is_some_and(|failures| failures >= 5), "it is counted: {counted:?}");
    // And taken up from there.
    told(&retter, &["auto"]);
    assert_eq!(retter.get("/page").circuit(), "OPEN");
}

#[test]
fn dry_asks_always_and_logs_what_it_would_have_done() {
    let (origin, retter) =
        kept(|origin| Setup::before(origin).set("BREAKER_MODE", "dry").set("RETRY_ATTEMPTS", 1));
    origin.set_all(fail(503));
    let before = origin.hits("/page");
    for _ in 0..20 {
        assert_eq!(retter.get("/page").circuit(), "CLOSED");
    }
    assert_eq!(origin.hits("/page"), before + 20);
    logs(&retter, "breaker of path \"/page\" would change: CLOSED -> OPEN");
    let log = retter.log();
    assert!(!log.contains("to=\"OPEN\""), "an alarm on that would be a false one: {log}");
}

#[test]
fn a_mode_for_a_time_ends_by_itself() {
    let (origin, retter) = kept(Setup::before);
    let said = told(&retter, &["open", "--for", "3500ms"]);
    assert_eq!(said, "was auto; is open for 3 seconds, then auto (X-Circuit: OPEN)\n");
    let refused = retter.get("/none");
    let wait = refused.header("retry-after").and_then(|text| text.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| wait <= 4), "the end of its time: {refused:?}");
    let before = origin.hits("/page");
    assert!(until(SOON, || retter.get("/page").circuit() == "CLOSED"));
    // Nobody was let in before. The one that says so was, unless the time ended while it was answered.
    assert!(origin.hits("/page") <= before + 1);
    logs(&retter, "the operator's time is over, breaker.mode: open -> auto");
}

#[test]
fn the_end_of_a_time_is_in_the_log_although_nobody_visits() {
    let (_origin, retter) = kept(Setup::before);
    told(&retter, &["dry", "--for", "100ms"]);
    logs(&retter, "the operator's time is over, breaker.mode: dry -> auto");
}

#[test]
fn the_mode_of_the_settings_holds_from_the_start_and_the_log_says_so() {
    let origin = Origin::new().elsewhere(ok("well"));
    let retter = Setup::before(&origin).set("BREAKER_MODE", "open").start();
    let refused = retter.get("/page");
    assert_eq!((refused.status, refused.circuit(), origin.hits("/page")), (503, "OPEN", 0));
    logs(&retter, "breaker.mode: the application is not asked");
    assert_eq!(wait_for_status(&retter)["mode"]["mode"], "open");
    told(&retter, &["closed", "--for", "1 hour"]);
    assert_eq!(status(&retter)["mode"]["then"], "open");
    assert_eq!(retter.get("/page").retter(), "backend");
}

#[test]
fn after_a_restart_the_mode_is_that_of_the_settings_and_the_breaker_still_knows() {
    let (origin, mut retter) = kept(|origin| Setup::before(origin).set("BREAKER_OPEN_MIN", LONG));
    told(&retter, &["open"]);
    retter.restart();
    assert_eq!(retter.get("/page").retter(), "backend");
    origin.down();
    let opened = || {
        retter.get("/page");
        wait_for_status(&retter)["application"]["state"] == "OPEN"
    };
    assert!(until(SOON, opened));
    told(&retter, &["dry"]);
    assert_eq!(retter.get("/page").circuit(), "CLOSED");
    // The store's writer has it within a moment.
    assert!(until(SOON, || String::from_utf8_lossy(&retter.dump().stdout).contains("OPEN")));
    retter.restart();
    let copy = retter.get("/page");
    assert_eq!((copy.retter(), copy.circuit()), ("cache", "OPEN"));
    assert!(copy.header("cache-status").is_some_and(|why| why.contains("detail=breaker-open")));
}

/// A healthy application, and a RETTER with a copy of `/page` that can be asked.
fn kept(setup: impl Fn(&Origin) -> Setup) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(ok("well"));
    let retter = setup(&origin).set("CACHE_TTL", 600).start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    wait_for_status(&retter);
    (origin, retter)
}

/// What it says on stdout, done without complaint.
fn told(retter: &Retter, words: &[&str]) -> String {
    let output = retter.ctl(words);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), complaint.as_str()), (Some(0), ""), "{words:?}: {said}");
    said
}

/// A line comes through its pipe a moment after it was written.
fn logs(retter: &Retter, words: &str) {
    assert!(until(SOON, || retter.log().contains(words)), "no line says {words}");
}

fn status(retter: &Retter) -> Value {
    serde_json::from_str(&told(retter, &["status", "--json"])).expect("an object")
}

/// The socket comes a moment after the port.
fn wait_for_status(retter: &Retter) -> Value {
    assert!(until(SOON, || retter.ctl(&[]).status.success()), "{}", retter.log());
    status(retter)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An open time nobody waits for the end of.
const LONG: &str = "30 seconds";
