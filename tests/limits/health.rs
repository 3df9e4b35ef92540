//! `/health`: the field names of the Go program, with figures that are right.

use crate::support::client::{get, head};
use crate::support::origin::{Behaviour, Origin, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use serde_json::Value;
use std::thread;
use std::time::Duration;

#[test]
fn before_the_first_request_all_figures_are_zero() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    let health = health(&retter);
    for name in [SERVED, TOTAL, AVERAGE, SLOWEST, FASTEST, COPIES, TIMERS] {
        assert_eq!(number(&health, name), 0.0, "{name}: {health}");
    }
}

#[test]
fn every_field_of_the_go_program_is_there() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    let health = health(&retter);
    assert!(health["status"].is_string() || health["status"].is_number(), "{health}");
    for name in [UPTIME, COPIES, TIMERS, BREAKERS, SERVED, TOTAL, AVERAGE, SLOWEST, FASTEST] {
        assert!(number(&health, name) >= 0.0, "{name}");
    }
    for name in ["sys-memory-byte", "alloc-memory-byte", "total-alloc-memory-byte"] {
        assert!(number(&health["memory"], name) > 0.0, "{name}: {health}");
    }
}

#[test]
fn every_field_is_written_down() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    let readme = include_str!("../../README.md");
    let health = health(&retter);
    let mut names = Vec::new();
    for (name, figure) in health.as_object().expect("an object") {
        names.push(name);
        names.extend(figure.as_object().into_iter().flat_map(|figures| figures.keys()));
    }
    assert!(names.len() > 40, "{health}");
    for name in names {
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in the README");
    }
}

#[test]
fn after_some_requests_the_figures_are_theirs() {
    let origin = Origin::new().elsewhere(ok("page")).route("/slow", ok("slow").after(SLOW));
    let retter = Setup::before(&origin).start();
    (0..9).for_each(|number| assert_eq!(retter.get(&format!("/{number}")).status, 200));
    assert_eq!(retter.get("/slow").status, 200);
    assert!(until(SOON, || number(&health(&retter), COPIES) == 10.0), "{}", health(&retter));
    let health = health(&retter);
    let of = |name| number(&health, name);
    assert_eq!((of(SERVED), of(TIMERS)), (10.0, 10.0), "{health}");
    assert!((300.0..3000.0).contains(&of(SLOWEST)), "{health}");
    assert!(of(FASTEST) <= of(AVERAGE) && of(AVERAGE) <= of(SLOWEST), "{health}");
    assert!(of(TOTAL) >= of(SLOWEST) && of(TOTAL) <= of(SLOWEST) * 10.0, "{health}");
    assert!((of(AVERAGE) - of(TOTAL) / of(SERVED)).abs() <= 1.0, "{health}");
}

#[test]
fn every_kind_of_answer_is_counted_once() {
    let origin = Origin::new().route("/page", ok("page")).then(Behaviour::Reset);
    let origin = origin.route("/none", Behaviour::Reset);
    let retter = Setup::before(&origin).start();
    for (path, status) in [("/page", 200), ("/page", 200), ("/none", 502), ("/lost", 404)] {
        assert_eq!(retter.get(path).status, status, "{path}");
    }
    retter.visit(&head("/page"));
    assert!(until(SOON, || number(&health(&retter), SERVED) == 5.0), "{}", health(&retter));
}

#[test]
fn breakers_that_are_not_closed_are_counted() {
    let origin = Origin::new().elsewhere(fail(500));
    let retter = Setup::before(&origin).set("BREAKER_OPEN_MIN", "60").start();
    let before = number(&health(&retter), BREAKERS);
    for path in ["/a", "/b", "/c"] {
        (0..5).for_each(|_| drop(retter.get(path)));
    }
    assert!(number(&health(&retter), BREAKERS) > before, "{}", health(&retter));
}

#[test]
fn uptime_goes_on() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    let first = number(&health(&retter), UPTIME);
    thread::sleep(Duration::from_millis(1200));
    assert!(number(&health(&retter), UPTIME) > first, "{}", health(&retter));
}

#[test]
fn health_is_ours_and_needs_no_application() {
    let origin = Origin::new().elsewhere(ok("the application's"));
    let retter = Setup::before(&origin).start();
    health(&retter);
    health(&retter);
    origin.down();
    health(&retter);
    assert!(origin.seen().is_empty());
}

#[test]
fn the_head_of_health_is_the_head_of_it() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    let answer = retter.visit(&head("/health"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert!(answer.body.is_empty() && origin.seen().is_empty());
    let mut line = crate::support::client::Line::open(retter.address()).expect("it listens");
    assert_eq!(line.send(&head("/health")).status, 200);
    assert_eq!(line.send(&get("/health")).status, 200, "no byte of a body came before");
}

#[test]
fn its_path_is_a_setting_and_nothing_turns_it_off() {
    let origin = Origin::new().elsewhere(ok("the application's"));
    let moved = Setup::before(&origin).set("HEALTH_PATH", "/_alive").start();
    assert_eq!(moved.get("/health").text(), "the application's");
    let answer = moved.get("/_alive");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let off = Setup::before(&origin).set("HEALTH_PATH", "").start();
    assert_eq!(off.get("/health").text(), "the application's");
    assert_eq!(origin.hits("/_alive"), 0);
}

#[test]
fn health_is_told_while_all_places_are_taken_by_hanging_requests() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let retter =
        Setup::before(&origin).set("BACKEND_TIMEOUT", "10").set("GATE_MODE", "off").start();
    let address = retter.address();
    let visitors: Vec<_> = (0..50)
        .map(|number| thread::spawn(move || get(&format!("/{number}")).to(address)))
        .collect();
    assert!(until(SOON, || origin.seen().len() == 50));
    health(&retter);
    origin.set_all(ok("at last"));
    assert!(
        visitors.into_iter().all(|visitor| visitor.join().is_ok_and(|answer| answer.is_whole()))
    );
}

fn health(retter: &Retter) -> Value {
    let answer = retter.get("/health");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    // NaN is no JSON.
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

fn number(object: &Value, name: &str) -> f64 {
    object[name].as_f64().unwrap_or_else(|| panic!("{name} is no number in {object}"))
}

const SLOW: Duration = Duration::from_millis(300);
const UPTIME: &str = "server-uptime";
const COPIES: &str = "cache-count";
const TIMERS: &str = "ttl-timer-count";
const BREAKERS: &str = "breaker-count";
const SERVED: &str = "total-request-served";
const TOTAL: &str = "total-response-time-ms";
const AVERAGE: &str = "average-response-time-ms";
const SLOWEST: &str = "slowest-response-time-ms";
const FASTEST: &str = "fastest-response-time-ms";
