//! Where a body ends: said in one way, or not listened to. Two readings of one message are how a
//! request is smuggled past a proxy (RFC 9112, sections 6 and 11.2).

use super::{DEADLINE, HIDDEN, refuses, strict};
use crate::support::client::get;
use crate::support::for_each_row;
use crate::support::origin::{Origin, fail, ok};
use crate::support::retter::Retter;
use crate::support::talk::{Heard, Talk};

#[test]
fn a_head_that_can_be_read_in_two_ways_is_400() {
    let rows = [
        ("a bare CR", "X-A: 1\rX-B: 2\r\n"),
        ("a bare CR at the end", "X-A: 1\r\r\n"),
        ("NUL in a value", "X-A: 1\x002\r\n"),
        ("NUL in a name", "X\0A: 1\r\n"),
        ("a space before the colon", "X-A : 1\r\n"),
        ("a tab before the colon", "X-A\t: 1\r\n"),
        ("a space before the length's colon", "Content-Length : 5\r\n"),
        ("a space before the name", " X-A: 1\r\n"),
        ("a folded line", "X-A: 1\r\n 2\r\n"),
        ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n"),
        ("no name", ": 1\r\n"),
        ("no colon", "X-A\r\n"),
        ("differing lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        ("a list of differing lengths", "Content-Length: 5, 6\r\n"),
        ("a list of lengths", "Content-Length: 5, 5\r\n"),
        ("a length with a plus sign", "Content-Length: +5\r\n"),
        ("a length below zero", "Content-Length: -1\r\n"),
        ("a length in hex", "Content-Length: 0x5\r\n"),
        ("a length of two words", "Content-Length: 5 5\r\n"),
        ("no length", "Content-Length: \r\n"),
        ("a length above all numbers", "Content-Length: 99999999999999999999\r\n"),
        ("the coding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        ("the coding twice in a list", "Transfer-Encoding: chunked, chunked\r\n"),
        ("an unknown coding", "Transfer-Encoding: gzip\r\n"),
        ("an unknown coding first", "Transfer-Encoding: gzip, chunked\r\n"),
        (
            "an unknown coding in a line",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        ),
        ("a coding after chunked", "Transfer-Encoding: chunked, identity\r\n"),
        ("identity", "Transfer-Encoding: identity\r\n"),
        ("a coding like chunked", "Transfer-Encoding: xchunked\r\n"),
        ("chunked in quotes", "Transfer-Encoding: \"chunked\"\r\n"),
        ("chunked with a vertical tab", "Transfer-Encoding: \x0bchunked\r\n"),
        ("no coding", "Transfer-Encoding: \r\n"),
    ];
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = strict(&origin);
    let name = |row: &(&str, &str)| row.0.to_owned();
    for_each_row(&rows, name, |(_, lines)| {
        let head = format!("POST /bad HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        refuses(&retter, head.as_bytes(), &[400]);
    });
    assert_eq!(origin.seen().len(), 0, "{:?}", targets(&origin));
}

#[test]
fn a_coding_in_http_1_0_is_400() {
    let origin = Origin::new().elsewhere(ok("?"));
    let head = b"POST /bad HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    refuses(&strict(&origin), head, &[400]);
    assert!(origin.seen().is_empty());
}

#[test]
fn a_body_that_breaks_its_chunks_is_never_taken_for_whole() {
    let rows = [
        ("a size above all numbers", "fffffffffffffffff\r\n12345"),
        ("a size just above", "10000000000000005\r\n12345\r\n0\r\n\r\n"),
        ("no size", "\r\n12345\r\n0\r\n\r\n"),
        ("no number", "g\r\n12345\r\n0\r\n\r\n"),
        ("a size below zero", "-1\r\n12345\r\n0\r\n\r\n"),
        ("a size with a plus sign", "+5\r\n12345\r\n0\r\n\r\n"),
        ("a size with 0x", "0x5\r\n12345\r\n0\r\n\r\n"),
        ("a chunk that is longer", "3\r\n12345\r\n0\r\n\r\n"),
        ("a chunk that is shorter", "6\r\n12345\r\n0\r\n\r\n"),
        ("a bare LF in an extension", "5;a=\n0\r\n12345\r\n0\r\n\r\n"),
        ("a bare CR in an extension", "5;a=\r0\r\n12345\r\n0\r\n\r\n"),
    ];
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = strict(&origin);
    let name = |row: &(&str, &str)| row.0.to_owned();
    for_each_row(&rows, name, |(_, body)| {
        let head = "POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        refuses(&retter, format!("{head}{body}").as_bytes(), &[400]);
    });
    assert!(origin.seen().iter().all(|seen| seen.path() == "/bad" && !seen.whole));
    assert!(!retter.breaker_has_changed());
}

#[test]
fn length_beside_chunked_is_read_in_one_way_and_ends_the_connection() {
    let rows = [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    ];
    for lines in rows {
        is_the_last(&format!("POST /one HTTP/1.1\r\nHost: a\r\n{lines}\r\n0\r\n\r\n"));
    }
}

#[test]
fn a_bare_lf_is_read_in_one_way_and_ends_the_connection() {
    for lines in ["\nHost: a\n\n", "\r\nHost: a\nX-A: 1\r\n\r\n", "\r\nHost: a\r\n\n"] {
        is_the_last(&format!("GET /one HTTP/1.1{lines}"));
    }
}

/// What RFC 9112 lets a server read in one way is read in that way alone, by the application too,
/// and nothing after it on that connection is believed (section 6.3, rule 3, and section 2.2).
fn is_the_last(request: &str) {
    let origin = Origin::new().elsewhere(ok("one"));
    refuses(&strict(&origin), request.as_bytes(), &[200, 400]);
    let targets = targets(&origin);
    assert!(targets.is_empty() || targets == ["/one"], "{request:?}: {targets:?}");
    assert!(origin.seen().iter().all(|seen| seen.body_length == 0));
}

#[test]
fn equal_lengths_are_one_length() {
    let origin = Origin::new().elsewhere(ok("one"));
    let bytes =
        "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345";
    let retter = strict(&origin);
    let mut talk = Talk::open(retter.address());
    talk.say(bytes);
    let heard = talk.hear_all(DEADLINE);
    assert!(heard.closed && matches!(heard.statuses()[..], [200 | 400]), "{heard:?}");
    assert!(origin.seen().iter().all(|seen| seen.body == b"12345"));
}

#[test]
fn three_requests_in_one_write_get_three_answers_in_order() {
    let origin =
        Origin::new().route("/1", ok("first")).route("/2", ok("second")).route("/3", ok("third"));
    let retter = strict(&origin);
    let heard = pipelined(&retter, &["/1", "/2", "/3"]);
    assert_eq!((heard.statuses(), order(&heard)), (vec![200; 3], vec!["first", "second", "third"]));
}

#[test]
fn a_rescue_between_two_answers_keeps_the_order() {
    let origin = Origin::new()
        .route("/1", ok("first"))
        .route("/2", ok("second"))
        .then(fail(503))
        .route("/3", ok("third"));
    let retter = strict(&origin);
    assert_eq!(retter.get("/2").text(), "second");
    let heard = pipelined(&retter, &["/1", "/2", "/3"]);
    assert_eq!((heard.statuses(), order(&heard)), (vec![200; 3], vec!["first", "second", "third"]));
    assert!(heard.text().to_ascii_lowercase().contains("x-retter: cache"), "{}", heard.text());
}

#[test]
fn a_request_in_a_body_is_a_body() {
    let origin = Origin::new().elsewhere(ok("first"));
    let retter = strict(&origin);
    for method in ["POST", "GET", "DELETE"] {
        let head =
            format!("{method} /1 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", HIDDEN.len());
        let mut talk = Talk::open(retter.address());
        talk.say(format!("{head}{HIDDEN}"));
        assert_eq!(talk.hear_all(DEADLINE).statuses(), [200]);
    }
    assert_eq!(targets(&origin), ["/1"; 3]);
    assert!(origin.seen().iter().all(|seen| seen.body == HIDDEN.as_bytes()));
}

/// All in one write; then the connection falls silent and is closed.
fn pipelined(retter: &Retter, targets: &[&str]) -> Heard {
    let mut talk = Talk::open(retter.address());
    talk.say(targets.iter().map(|target| get(target).bytes()).collect::<Vec<_>>().concat());
    let heard = talk.hear_all(DEADLINE);
    assert!(heard.closed, "still open: {heard:?}");
    heard
}

/// The known bodies, in the order they came in.
fn order(heard: &Heard) -> Vec<&'static str> {
    let text = heard.text();
    let mut found: Vec<_> = ["first", "second", "third"]
        .into_iter()
        .flat_map(|body| {
            text.match_indices(body).collect::<Vec<_>>().into_iter().map(move |(at, _)| (at, body))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, body)| body).collect()
}

fn targets(origin: &Origin) -> Vec<String> {
    origin.seen().iter().map(|seen| seen.target()).collect()
}
