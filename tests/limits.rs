//! A limit on everything, each answered clearly; and what RETTER says of itself: its own error
//! pages and `/health`.

mod connections;
mod health;

use crate::support::client::{HOST, get, post};
use crate::support::origin::{Behaviour, Origin, ok};
use crate::support::retter::{Retter, Setup};
use std::fs;
use tempfile::TempDir;

#[test]
fn limits_of_the_head_are_settings() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let setup = Setup::before(&origin).set("LIMIT_HEADER", "12 KiB");
    let retter = setup.set("LIMIT_HEADERS", 12).set("LIMIT_URI", "100").start();
    let long = |length| get("/").header("X-Long", &"x".repeat(length));
    let many = |count| {
        (0..count).fold(get("/"), |visit, number| visit.header(&format!("X-{number}"), "1"))
    };
    let rows = [
        (get(&format!("/{}", "u".repeat(99))), 200),
        (get(&format!("/{}", "u".repeat(100))), 414),
        // `Host` and `Connection` count as well.
        (many(10), 200),
        (many(11), 431),
        (long(11 * 1024), 200),
        (long(13 * 1024), 431),
    ];
    for (visit, status) in &rows {
        let text = String::from_utf8_lossy(&visit.bytes()).into_owned();
        assert_eq!(retter.visit(visit).status, *status, "{text:.60}");
    }
    assert_eq!(origin.seen().len(), 3);
}

#[test]
fn the_operators_page_is_the_body_of_our_errors() {
    let folder = page_in_a_folder();
    let page = folder.path().join("error.html");
    for (trouble, status) in [(Behaviour::Reset, 502), (Behaviour::Hang, 504)] {
        let origin = Origin::new().elsewhere(trouble);
        let setup = Setup::before(&origin).set("ERROR_PAGE", page.display());
        let answer = setup.start().get("/");
        assert_eq!((answer.status, answer.text().as_str()), (status, PAGE));
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let answer = opened(&Origin::new().elsewhere(Behaviour::Reset), &folder).get("/");
    assert_eq!((answer.status, answer.text().as_str()), (503, PAGE));
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn programs_get_json_and_not_the_operators_page() {
    let folder = page_in_a_folder();
    let origin = Origin::new().elsewhere(Behaviour::Reset);
    let retter = opened(&origin, &folder);
    let answer = retter.visit(&get("/").header("Accept", "application/json"));
    assert_eq!((answer.status, answer.header("content-type")), (503, Some("application/json")));
    assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok(), "{}", answer.text());
}

#[test]
fn the_applications_own_error_page_stays_its_own() {
    let folder = page_in_a_folder();
    let origin = Origin::new().elsewhere(crate::support::origin::fail(500));
    let setup =
        Setup::before(&origin).set("ERROR_PAGE", folder.path().join("error.html").display());
    let answer = setup.start().get("/");
    assert_eq!((answer.status, answer.text().as_str()), (500, "the application's own 500"));
}

#[test]
fn an_error_page_that_cannot_be_read_is_a_mistake() {
    let origin = Origin::new();
    let output = Setup::before(&origin).set("ERROR_PAGE", "/nowhere/error.html").run();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("RETTER_ERROR_PAGE"), "{said}");
}

#[test]
fn an_upload_that_moves_is_not_bounded_by_the_time_of_a_head() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = Setup::before(&origin).set("LIMIT_HEAD", "300ms").start();
    let mut talk = crate::support::talk::Talk::open(retter.address());
    talk.say(format!("POST /up HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 10\r\n\r\n"));
    assert!(talk.say_slowly("0123456789", 1, std::time::Duration::from_millis(100)));
    assert_eq!(talk.hear_until("thanks", crate::support::SOON).statuses(), [200]);
    assert_eq!(retter.visit(&post("/up", "short")).status, 200);
}

/// A RETTER whose breaker is open.
fn opened(origin: &Origin, folder: &TempDir) -> Retter {
    let page = folder.path().join("error.html");
    let setup = Setup::before(origin).set("ERROR_PAGE", page.display());
    let retter = setup.set("BREAKER_OPEN_MIN", "60").start();
    (0..5).for_each(|_| assert_eq!(retter.get("/").status, 502));
    retter
}

fn page_in_a_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("error.html"), PAGE).expect("it can be written");
    folder
}

const PAGE: &str = "<!doctype html><title>Back soon</title><p>We are – honestly – sorry.";
