//! A request hidden in another, in every family that is known: the application is asked for what
//! the client sent, by one reading, and the hidden one is never a request.

use super::{DEADLINE, HIDDEN, strict};
use crate::support::for_each_row;
use crate::support::origin::{Origin, ok};
use crate::support::retter::Retter;
use crate::support::talk::{Heard, Talk};

/// How a row may end: what the one request is answered, and what the application is told is its
/// body if it hears of it at all.
struct Row {
    name: &'static str,
    bytes: String,
    statuses: &'static [u16],
    body: &'static str,
}

#[test]
fn what_is_hidden_is_never_asked_for() {
    let rows = rows();
    for_each_row(
        &rows,
        |row| row.name.to_owned(),
        |row| {
            let origin = Origin::new().elsewhere(ok("one"));
            let retter = strict(&origin);
            let heard = ends(&retter, &row.bytes);
            let statuses = heard.statuses();
            assert!(matches!(statuses[..], [one] if row.statuses.contains(&one)), "{heard:?}");
            let seen = origin.seen();
            assert!(
                seen.iter().all(|seen| seen.path() == "/one"),
                "{:?}",
                seen.last().map(|it| it.target())
            );
            let asked = heard.text().ends_with("\r\n\r\none");
            assert_eq!(seen.len(), usize::from(asked), "{heard:?}");
            for seen in seen {
                assert_eq!(seen.body, row.body.as_bytes());
                assert!(
                    seen.header("transfer-encoding").is_none()
                        || seen.header("content-length").is_none()
                );
                assert!(!seen.lines().iter().any(|line| line.contains('_')), "{:?}", seen.lines());
            }
        },
    );
}

fn rows() -> Vec<Row> {
    let length = HIDDEN.len();
    let post =
        |lines: &str, body: &str| format!("POST /one HTTP/1.1\r\nHost: a\r\n{lines}\r\n{body}");
    let chunk = format!("{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n");
    let empty_chunk = format!("0\r\n\r\n{HIDDEN}");
    let row = |name, bytes, statuses, body| Row { name, bytes, statuses, body };
    let te = "Transfer-Encoding: chunked\r\n";
    let cl = &format!("Content-Length: {length}\r\n");
    vec![
        row(
            "CL.TE",
            post(&format!("Content-Length: {}\r\n{te}", empty_chunk.len()), &empty_chunk),
            &[200],
            "",
        ),
        row(
            "CL.TE, the coding first",
            post(&format!("{te}Content-Length: {}\r\n", empty_chunk.len()), &empty_chunk),
            &[200],
            "",
        ),
        row("TE.CL", post(&format!("Content-Length: 4\r\n{te}"), &chunk), &[200], HIDDEN),
        row(
            "TE.TE, another coding after",
            post(&format!("{te}Transfer-Encoding: x\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE.TE, another coding before",
            post(&format!("Transfer-Encoding: x\r\n{te}{cl}"), &empty_chunk),
            &[400],
            "",
        ),
        row(
            "TE.TE, a tab within",
            post(&format!("Transfer-Encoding: chu\tnked\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE.TE, quoted",
            post(&format!("Transfer-Encoding: \"chunked\"\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE.TE, a space before the colon",
            post(&format!("Transfer-Encoding : chunked\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE.TE, a parameter",
            post(&format!("Transfer-Encoding: chunked;a=b\r\n{cl}"), &empty_chunk),
            &[400],
            "",
        ),
        row(
            "TE.TE, folded",
            post(&format!("Transfer-Encoding:\r\n chunked\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE.TE, folded with a tab",
            post(&format!("X: y\r\n\tTransfer-Encoding: chunked\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE behind a bare CR",
            post(&format!("X: y\rTransfer-Encoding: chunked\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE behind NUL",
            post(&format!("X: y\0Transfer-Encoding: chunked\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE behind a bare LF",
            post(&format!("{cl}X: y\nTransfer-Encoding: chunked\r\n"), &empty_chunk),
            &[200],
            "",
        ),
        row(
            "TE behind 0x0b",
            post(&format!("Transfer-Encoding: \x0bchunked\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "TE in HTTP/1.0",
            post(&format!("{te}{cl}"), HIDDEN).replacen("1.1", "1.0", 1),
            &[400],
            "",
        ),
        row("two lengths", post(&format!("Content-Length: 0\r\n{cl}"), HIDDEN), &[400], ""),
        row(
            "two lengths in a line",
            post(&format!("Content-Length: 0, {length}\r\n"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "a length behind a sign",
            post(&format!("Content-Length: +{length}\r\n"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "the name of a length in another writing",
            post(&format!("Content_Length: 0\r\n{cl}Connection: close\r\n"), HIDDEN),
            &[200],
            HIDDEN,
        ),
        row(
            "the name of a coding in another writing",
            post(&format!("Transfer_Encoding: chunked\r\n{cl}Connection: close\r\n"), HIDDEN),
            &[200],
            HIDDEN,
        ),
        row(
            "a length taken off by Connection",
            post(&format!("{cl}Connection: close, Content-Length\r\n"), HIDDEN),
            &[200],
            HIDDEN,
        ),
        row(
            "a coding taken off by Connection",
            post(&format!("{te}Connection: close, Transfer-Encoding\r\n"), &chunk),
            &[200],
            HIDDEN,
        ),
        row(
            "0.CL",
            post(&format!("{cl}Connection: close\r\n"), HIDDEN).replacen("POST", "GET", 1),
            &[200],
            HIDDEN,
        ),
        row(
            "a length in the trailers",
            post(
                &format!("{te}Connection: close\r\n"),
                &format!("0\r\nContent-Length: {length}\r\nHost: b\r\n\r\n{HIDDEN}"),
            ),
            &[200],
            "",
        ),
        row(
            "CL.0, turned away for its Host",
            post(&format!("Host: b\r\n{cl}"), HIDDEN),
            &[400],
            "",
        ),
        row(
            "CL.0, turned away for its Expect",
            post(&format!("Expect: y 100-continue\r\n{cl}"), HIDDEN),
            &[417],
            "",
        ),
        row(
            "CL.0, turned away for its target",
            post(cl, HIDDEN).replacen("/one", &format!("/{}", "x".repeat(9000)), 1),
            &[414],
            "",
        ),
        row(
            "CL.0, for another machine",
            post(cl, HIDDEN).replacen("/one", "http://b/one", 1),
            &[400],
            "",
        ),
        row(
            "CL.0, to RETTER itself",
            post(cl, HIDDEN).replacen("POST /one", "GET /health", 1),
            &[200],
            "",
        ),
        row("chunks to nobody", post(&format!("Expect: y\r\n{te}"), &chunk), &[417], ""),
        row(
            "absolute-form of another host",
            format!("GET http://b/hidden HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}"),
            &[400],
            "",
        ),
        row(
            "two hosts",
            format!("GET /hidden HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n{HIDDEN}"),
            &[400],
            "",
        ),
        row(
            "a line end in the target",
            format!("GET /one\x0d\x0aX: y HTTP/1.1\r\nHost: a\r\n\r\n{HIDDEN}"),
            &[400],
            "",
        ),
    ]
}

/// Says all this, and hears the end although it goes on talking.
fn ends(retter: &Retter, bytes: &str) -> Heard {
    let mut talk = Talk::open(retter.address());
    talk.say(bytes);
    talk.say(HIDDEN);
    let heard = talk.hear_all(DEADLINE);
    assert!(heard.closed, "still open: {heard:?}");
    heard
}
