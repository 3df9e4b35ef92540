//! What is broken is never stored, and what is short never looks whole.

use super::page;
use crate::support::client::{End, get};
use crate::support::for_each_row;
use crate::support::origin::{Behaviour, Ending, Origin, computed, ok, pattern};
use crate::support::retter::{Retter, Setup};
use std::time::Duration;

#[test]
fn nothing_broken_or_unframed_is_ever_stored() {
    let rows: Vec<(&str, Behaviour)> = vec![
        ("short of its length", ok(BODY).truncated(5).into()),
        ("reset", ok(BODY).ending(Ending::ResetAt(5)).into()),
        ("short of its last chunk", ok(BODY).chunked().truncated(BODY.len() as u64).into()),
        ("a bad chunk", ok(BODY).chunked().ending(Ending::BadChunkAt(5)).into()),
        ("framed by the connection", ok(BODY).close_delimited().into()),
        ("bytes after the end", ok(BODY).ending(Ending::Extra(b"more".to_vec())).into()),
        ("an answer after the end", ok(BODY).ending(Ending::Extra(smuggled())).into()),
        ("bytes after the last chunk", ok(BODY).chunked().ending(Ending::Extra(smuggled())).into()),
        ("two lengths", raw("Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")),
        ("an odd length", raw("Content-Length: +5\r\n\r\nabcde")),
        ("a folded line", raw("Content-Length: 5\r\nX-A: 1\r\n 2\r\n\r\nabcde")),
        ("a space before the colon", raw("Content-Length : 5\r\n\r\nabcde")),
    ];
    for_each_row(&rows, |(name, _)| (*name).to_owned(), |(_, behaviour)| never_stored(behaviour));
}

fn never_stored(behaviour: &Behaviour) {
    let origin = Origin::new().route("/broken", behaviour.clone()).elsewhere(ok("well"));
    let retter = before(&origin);
    retter.get("/broken");
    retter.get("/broken");
    // What comes next on a connection was asked for, not left over from before.
    assert_eq!(retter.get("/sound").text(), "well");
    retter.wait_for_copies(&["/sound"]);
    origin.down();
    let after = retter.get("/broken");
    assert_eq!((after.status, after.retter()), (502, "no-cache"), "{after:?}");
}

#[test]
fn a_body_framed_by_the_connection_passes_all_the_same() {
    let origin = Origin::new().elsewhere(ok(BODY).close_delimited());
    let answer = before(&origin).get("/");
    assert!(answer.is_whole());
    assert_eq!((answer.text().as_str(), answer.retter()), (BODY, "backend"));
}

#[test]
fn a_broken_body_of_unknown_length_is_a_reset_for_http_1_0() {
    let whole = ok(pattern(0, 100_000)).chunked();
    let origin = Origin::new()
        .route("/whole", whole.clone())
        .route("/short", whole.clone().truncated(70_000))
        .route("/bad", whole.ending(Ending::BadChunkAt(70_000)))
        .route("/close", ok(pattern(0, 100_000)).close_delimited().ending(Ending::ResetAt(70_000)));
    let retter = before(&origin);
    let all = retter.visit(&get("/whole").http10());
    assert!(all.is_whole() && all.body.len() == 100_000, "{} {:?}", all.body.len(), all.end);
    for path in ["/short", "/bad", "/close"] {
        let answer = retter.visit(&get(path).http10());
        assert_eq!(answer.end, End::Reset, "{path}: a plain end would look whole");
    }
}

#[test]
fn a_broken_answer_does_not_replace_the_good_copy() {
    let origin = Origin::new().elsewhere(computed(page));
    let retter = before(&origin);
    let good = retter.get("/page").text();
    retter.wait_for_copies(&["/page"]);
    for behaviour in [ok(BODY).chunked().truncated(5), ok(pattern(0, 200_000)).truncated(150_000)] {
        origin.set_all(behaviour);
        retter.get("/page");
        origin.set_all(ok(BODY).slowly(5, Duration::from_millis(1)).truncated(10));
        assert_eq!(retter.get("/page").text(), good);
    }
}

#[test]
fn a_whole_answer_just_before_a_crash_of_the_application_is_kept() {
    let origin = Origin::new().elsewhere(ok(BODY).header("Connection", "close"));
    let retter = before(&origin);
    assert_eq!(retter.get("/page").text(), BODY);
    retter.wait_for_copies(&["/page"]);
    origin.down();
    assert_eq!(retter.get("/page").text(), BODY);
}

fn before(origin: &Origin) -> Retter {
    Setup::before(origin).without_breaker().start()
}

fn raw(rest_of_head: &str) -> Behaviour {
    Behaviour::Raw(format!("HTTP/1.1 200 OK\r\n{rest_of_head}").into_bytes())
}

/// What an attacker would like to be the answer to somebody else's request.
fn smuggled() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".to_vec()
}

const BODY: &str = "a body of some length";
