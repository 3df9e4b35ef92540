//! What no browser sends: garbage, halves, ambiguities, too much of everything. A clear status or
//! a closed connection, never a hang, and the application never sees a request that was not sent.

mod answers;
mod clocks;
mod framing;
mod pace;
mod shared;
mod smuggling;

use crate::support::client::HOST;
use crate::support::for_each_row;
use crate::support::origin::{Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::talk::{Heard, Talk};
use std::time::Duration;

#[test]
fn what_is_no_request_is_refused() {
    let rows: [(&str, &[u8]); 12] = [
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
        ("binary", b"\xff\xfe\xfd\x00\x01\x02\r\n\r\n"),
        ("HTTP/0.9", b"GET /\r\n\r\n"),
        ("another version", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
        ("no version number", b"GET / HTTP/x.y\r\nHost: a\r\n\r\n"),
        ("a word too many", b"GET / HTTP/1.1 now\r\nHost: a\r\n\r\n"),
        ("no target", b"GET  HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a space in the target", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a control in the target", b"GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("no method", b"/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("no token for a method", b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ];
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = strict(&origin);
    for_each_row(&rows, |(name, _)| (*name).into(), |(_, bytes)| refuses(&retter, bytes, &[400]));
    assert!(origin.seen().is_empty());
}

#[test]
fn http_2_that_nobody_agreed_on_is_refused() {
    let origin = Origin::new().elsewhere(ok("?"));
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let heard = ends_after(&strict(&origin), preface);
    assert!(matches!(heard.statuses()[..], [] | [400 | 505]), "{heard:?}");
    assert!(origin.seen().is_empty());
}

#[test]
fn nobody_is_connected_to_anywhere() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = strict(&origin);
    assert_eq!(statuses(&retter, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"), [405]);
    assert!(origin.seen().is_empty());
}

#[test]
fn what_is_half_a_request_goes_no_further() {
    let whole = get_with("X-A: 1\r\n");
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = strict(&origin);
    let ends: Vec<usize> = (1..whole.len()).collect();
    for_each_row(&ends, usize::to_string, |end| {
        let heard = ends_after(&retter, &whole.as_bytes()[..*end]);
        assert!(heard.statuses().iter().all(|status| *status == 400), "{heard:?}");
    });
    assert!(origin.seen().is_empty());
}

#[test]
fn half_a_body_is_never_taken_for_a_whole_one() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = strict(&origin);
    for body in
        ["Content-Length: 10\r\n\r\n12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"]
    {
        ends_after(&retter, format!("POST / HTTP/1.1\r\nHost: a\r\n{body}").as_bytes());
    }
    assert!(origin.seen().iter().all(|seen| !seen.whole));
    assert!(!retter.breaker_has_changed());
}

#[test]
fn too_long_a_head_is_431() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = strict(&origin);
    let line = |length| format!("X-Long: {}\r\n", "x".repeat(length));
    assert_eq!(statuses(&retter, &get_with(&line(31 * 1024))), [200]);
    refuses(&retter, get_with(&line(33 * 1024)).as_bytes(), &[431]);
    refuses(&retter, get_with(&line(1000).repeat(33)).as_bytes(), &[431]);
    refuses(&retter, get_with(&line(1000).repeat(3000)).as_bytes(), &[431]);
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn too_many_header_lines_are_431() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = strict(&origin);
    // `Host` and `Connection` count as well.
    let lines =
        |count: usize| (2..count).map(|number| format!("X-{number}: 1\r\n")).collect::<String>();
    assert_eq!(statuses(&retter, &get_with(&lines(100))), [200]);
    refuses(&retter, get_with(&lines(101)).as_bytes(), &[431]);
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn too_long_a_target_is_414() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = strict(&origin);
    let target = |length: usize| {
        format!("/{}?q={}", "p".repeat(length / 2 - 1), "q".repeat(length - length / 2 - 3))
    };
    let asked = |length| get_with("").replacen('/', &target(length), 1);
    assert_eq!(statuses(&retter, &asked(8 * 1024)), [200]);
    refuses(&retter, asked(8 * 1024 + 1).as_bytes(), &[414]);
    refuses(&retter, asked(20_000).as_bytes(), &[414]);
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn an_expectation_that_nobody_knows_is_417() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = strict(&origin);
    for expectation in ["something", "100-continue, something", "200-ok"] {
        let request = get_with(&format!("Expect: {expectation}\r\n"));
        assert_eq!(statuses(&retter, &request), [417], "{expectation}");
    }
    assert!(origin.seen().is_empty());
}

#[test]
fn a_host_that_is_missing_said_twice_or_another_is_refused() {
    let rows = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = strict(&origin);
    rows.iter().for_each(|row| assert_eq!(statuses(&retter, row), [400], "{row}"));
    assert!(origin.seen().is_empty());
}

/// Times short enough to wait for; what is sent at once has nothing to fear from them.
fn strict(origin: &Origin) -> Retter {
    let setup = Setup::before(origin).set("SERVER_TIMEOUT_IDLE", "1 second");
    setup.set("LIMIT_HEAD", "1 second").set("SERVER_TIMEOUT_READ", "1 second").start()
}

/// A sound request with these lines added, after which the connection is to end.
fn get_with(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{lines}\r\n")
}

/// The application can be asked for it, so a request hidden behind another shows.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

/// One answer of one of these statuses or none, and the end of the connection, although the client
/// goes on talking.
fn refuses(retter: &Retter, bytes: &[u8], statuses: &[u16]) {
    let mut talk = Talk::open(retter.address());
    talk.say([bytes, HIDDEN.as_bytes()].concat());
    let heard = talk.hear_all(DEADLINE);
    let found = heard.statuses();
    assert!(heard.closed, "still open: {heard:?}");
    assert!(matches!(found[..], [one] if statuses.contains(&one)), "{found:?} {heard:?}");
}

/// Says this and no more, and hears how it ends.
fn ends_after(retter: &Retter, bytes: &[u8]) -> Heard {
    let mut talk = Talk::open(retter.address());
    talk.say(bytes);
    talk.finish();
    let heard = talk.hear_all(DEADLINE);
    assert!(heard.closed, "still open: {heard:?}");
    heard
}

fn statuses(retter: &Retter, request: &str) -> Vec<u16> {
    let mut talk = Talk::open(retter.address());
    talk.say(request);
    talk.hear_all(DEADLINE).statuses()
}

/// Longer than any time of [`strict`]; who is still there has been forgotten.
const DEADLINE: Duration = Duration::from_secs(6);
