//! Applications that speak HTTP/1.0.

use super::before;
use crate::support::client::{End, Line, get};
use crate::support::origin::{Behaviour, Origin, ok};
use crate::support::retter::{Retter, Setup};
use socket2::SockRef;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn its_pages_come_whole_and_the_visitors_connection_stays() {
    let with_length = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nsound";
    let until_the_end = "HTTP/1.0 200 OK\r\n\r\nto the end";
    let kept = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nkept";
    let origin = Origin::new()
        .route("/length", raw(with_length))
        .route("/end", raw(until_the_end))
        .route("/kept", raw(kept));
    let retter = before(&origin);
    let mut line = Line::open(retter.address()).expect("it listens");
    for (path, body) in [("/length", "sound"), ("/end", "to the end"), ("/kept", "kept")] {
        let answer = line.send(&get(path));
        assert_eq!((answer.text().as_str(), answer.end), (body, End::Whole), "{path}");
    }
    let old = retter.visit(&get("/end").http10());
    assert_eq!((old.text().as_str(), old.end), ("to the end", End::Whole));
}

#[test]
fn its_answers_are_given_in_the_version_that_the_visitor_speaks() {
    let origin = Origin::new().elsewhere(raw("HTTP/1.0 200 OK\r\n\r\nto the end"));
    let retter = before(&origin);
    for (visit, first) in [(get("/"), "HTTP/1.1 200"), (get("/").http10(), "HTTP/1.")] {
        let came = crate::support::client::raw(
            retter.address(),
            &visit.header("Connection", "close").bytes(),
        );
        assert!(came.starts_with(first.as_bytes()), "{}", came.escape_ascii());
    }
}

#[test]
fn a_page_of_it_is_compressed_like_any_other() {
    let words = "words and words ".repeat(100);
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
        words.len()
    );
    let origin = Origin::new().elsewhere(raw(&(head + &words)));
    let retter = before(&origin);
    let mut line = Line::open(retter.address()).expect("it listens");
    for _ in 0..2 {
        let answer = line.send(&get("/").header("Accept-Encoding", "gzip"));
        assert_eq!((answer.header("content-encoding"), answer.end), (Some("gzip"), End::Whole));
    }
}

/// Nothing but the way the connection ends tells a whole body from a half one here, and a plain end
/// would say that it is whole.
#[test]
fn a_page_of_it_that_breaks_never_looks_whole() {
    for length in [4, 200_000] {
        let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n";
        let half = format!("{head}{}", "x".repeat(length));
        let origin = Origin::new().elsewhere(then_reset(half));
        let retter = Setup::before(&origin).without_breaker().set("RETRY_ATTEMPTS", 1).start();
        for visit in [get("/"), get("/").http10()] {
            is_not_whole(&retter, &visit);
        }
        is_not_whole(&retter, &get("/").header("Accept-Encoding", "gzip"));
    }
}

#[test]
fn what_it_breaks_off_is_never_kept() {
    let half = "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nha";
    let origin = Origin::new().route("/", ok("whole")).then(then_reset(half.to_owned()));
    let setup = Setup::before(&origin).without_breaker().set("RETRY_ATTEMPTS", 1);
    // Its end alone says that this one is no copy.
    let retter = setup.set("CACHE_UNFRAMED", "store").start();
    assert_eq!(retter.get("/").text(), "whole");
    retter.get("/");
    origin.down();
    assert_eq!(retter.get("/").text(), "whole");
}

fn is_not_whole(retter: &Retter, visit: &crate::support::client::Visit) {
    let answer = retter.visit(visit);
    assert!(answer.status == 502 || answer.end != End::Whole, "{:?}", answer.end);
}

fn raw(bytes: &str) -> Behaviour {
    Behaviour::Raw(bytes.as_bytes().to_vec())
}

fn then_reset(bytes: String) -> Behaviour {
    Behaviour::Tunnel(
        bytes.into_bytes(),
        Arc::new(|wire| {
            // Not before it is read: some systems throw away what is not.
            std::thread::sleep(Duration::from_millis(100));
            let lingers = SockRef::from(wire.twin()).set_linger(Some(Duration::ZERO));
            lingers.expect("an option every system has");
        }),
    )
}
