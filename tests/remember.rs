//! The breakers' memory through the real binary and `kill -9`: an application that was left alone
//! before the crash is left alone after it.

use crate::support::client::{Answer, get};
use crate::support::origin::{Behaviour, Origin, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use redb::{Builder, ConcurrencyMode, ReadableDatabase, TableDefinition};
use retter::breaker::{Level, State};
use retter::store::breakers::{Remembered, list};
use std::thread;
use std::time::Duration;

#[test]
fn open_breaker_is_open_after_a_kill_and_the_application_is_not_asked() {
    let (origin, mut retter) = opened("30 seconds");
    let before = origin.seen().len();
    retter.restart();
    let copy = retter.get("/page");
    assert_eq!((copy.text().as_str(), copy.retter(), copy.circuit()), ("well", "cache", "OPEN"));
    let refused = retter.get("/none");
    assert_eq!((refused.status, refused.circuit()), (503, "OPEN"));
    let wait = retry_after(&refused);
    assert!((20..=36).contains(&wait), "{refused:?}");
    assert_eq!(origin.seen().len(), before);
    let log = retter.log();
    let said = "breaker of the application was OPEN before the restart";
    assert_eq!(log.matches(said).count(), 1, "{log}");
}

#[test]
fn open_breaker_is_open_after_an_orderly_restart() {
    let (origin, mut retter) = opened("30 seconds");
    let before = origin.seen().len();
    retter.term();
    assert!(retter.ended(SOON).is_some_and(|status| status.success()));
    retter.restart();
    assert_eq!(circuit(&retter, "/page"), "OPEN");
    assert_eq!(origin.seen().len(), before);
}

#[test]
fn open_time_ends_after_a_kill_too_and_one_probe_goes_through() {
    let (origin, mut retter) = opened("2 seconds");
    let before = origin.seen().len();
    retter.restart();
    assert_eq!(circuit(&retter, "/page"), "OPEN");
    origin.up();
    let mut last = retter.get("/page");
    assert!(until(SOON, || {
        last = retter.get("/page");
        last.retter() == "backend"
    }));
    assert_eq!(last.circuit(), "CLOSED");
    assert_eq!(origin.seen().len(), before + 1);
}

#[test]
fn broken_page_is_left_alone_after_a_kill_and_the_shop_is_open() {
    let origin = Origin::new().route("/report", fail(500)).elsewhere(ok("well"));
    let mut retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", "30 seconds").start();
    (0..5).for_each(|_| assert_eq!(retter.get("/report").status, 500));
    wait_until_open(&retter, "/report");
    retter.restart();
    assert_eq!(retter.get("/report").status, 503);
    assert_eq!((origin.hits("/report"), circuit(&retter, "/page")), (5, "CLOSED".into()));
}

#[test]
fn page_that_has_recovered_is_not_in_the_file_any_more() {
    let origin = Origin::new().route("/report", fail(500)).elsewhere(ok("well"));
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", "250ms").start();
    (0..5).for_each(|_| assert_eq!(retter.get("/report").status, 500));
    wait_until_open(&retter, "/report");
    origin.set("/report", ok("well"));
    assert!(until(SOON, || retter.get("/report").status == 200));
    assert!(until(SOON, || in_file(&retter, &Level::Path("/report".into())).is_none()));
}

#[test]
fn failures_in_a_row_go_on_after_a_kill() {
    let origin = Origin::new();
    let mut retter = Setup::before(&origin).set("BREAKER_CONSECUTIVE_FAIL", 4).start();
    origin.down();
    (0..3).for_each(|_| assert_eq!(circuit(&retter, "/page"), "CLOSED"));
    // Once a second.
    wait_for(&retter, |breaker| breaker.tally.transport_run == 3);
    retter.restart();
    assert_eq!(circuit(&retter, "/page"), "OPEN");
}

#[test]
fn open_time_that_has_grown_goes_on_growing_after_a_kill() {
    let (origin, mut retter) = opened("1 second");
    probe_in_vain(&origin, &retter);
    wait_for(&retter, |breaker| breaker.open_time == Duration::from_secs(2));
    retter.restart();
    probe_in_vain(&origin, &retter);
    // Doubled twice; 2 s and its jitter would be 3 at most.
    let wait = retry_after(&retter.get("/none"));
    assert!((4..=5).contains(&wait), "{wait}");
}

#[test]
fn lost_probe_leaves_a_breaker_that_probes_at_once() {
    let (origin, mut retter) = opened("1 second");
    origin.set("/page", Behaviour::Hang);
    origin.up();
    let address = retter.address();
    let probe = thread::spawn(move || until(SOON, || get("/page").to(address).status == 0));
    wait_for(&retter, |breaker| breaker.state == State::HalfOpen);
    origin.set("/page", ok("well again"));
    retter.restart();
    assert!(retter.log().contains("was HALF-OPEN before the restart"));
    let answer = retter.get("/page");
    assert_eq!((answer.retter(), answer.circuit()), ("backend", "CLOSED"));
    assert!(probe.join().expect("no panic"), "its visitor was cut off");
}

#[test]
fn another_application_does_not_inherit_the_breaker() {
    let (_origin, mut retter) = opened("30 seconds");
    let other = Origin::new().elsewhere(ok("another"));
    retter.restart_with("BACKEND_BASEURL", other.url());
    let answer = retter.get("/page");
    assert_eq!((answer.text().as_str(), answer.circuit()), ("another", "CLOSED"));
}

/// A breaker that has just opened, and is open in the file too. `/page` has a copy, the
/// application is down.
fn opened(open: &str) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(ok("well"));
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", open).set("CACHE_TTL", 600).start();
    retter.get("/page");
    retter.wait_for_copies(&["/page"]);
    origin.down();
    assert!(until(SOON, || circuit(&retter, "/down") == "OPEN"));
    wait_for(&retter, |breaker| breaker.state == State::Open);
    (origin, retter)
}

/// Asks until a probe has gone through and failed.
fn probe_in_vain(origin: &Origin, retter: &Retter) {
    origin.set_all(fail(503));
    origin.up();
    let before = origin.seen().len();
    assert!(until(SOON, || {
        retter.get("/page");
        origin.seen().len() > before
    }));
    origin.down();
}

fn circuit(retter: &Retter, path: &str) -> String {
    retter.get(path).circuit().to_owned()
}

fn retry_after(answer: &Answer) -> u64 {
    let seconds = answer.header("retry-after").and_then(|text| text.parse().ok());
    seconds.unwrap_or_else(|| panic!("no Retry-After: {answer:?}"))
}

/// Waits until the file of the running RETTER says this of the application's breaker.
fn wait_for(retter: &Retter, says: impl Fn(&Remembered) -> bool) {
    let there = until(SOON, || in_file(retter, &Level::Application).as_ref().is_some_and(&says));
    assert!(there, "{:?}", in_file(retter, &Level::Application));
}

fn wait_until_open(retter: &Retter, path: &str) {
    let is_open = |breaker: Remembered| breaker.state == State::Open;
    assert!(until(SOON, || in_file(retter, &Level::Path(path.into())).is_some_and(is_open)));
}

fn in_file(retter: &Retter, level: &Level) -> Option<Remembered> {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    let file = builder.open_read_only(retter.file()).ok()?;
    let table = file.begin_read().ok()?.open_table(BREAKERS).ok()?;
    list(&table).ok()?.into_iter().flatten().find(|breaker| breaker.level == *level)
}

const BREAKERS: TableDefinition<&str, &[u8]> = TableDefinition::new("breakers.v1");
