//! Trailers are fields too: what may not be said in front may not be said behind.

use super::{asked, before, holds};
use crate::support::client::{get, raw};
use crate::support::origin::{Behaviour, Origin, ok};
use crate::support::session::{Session, to};
use http::{HeaderMap, HeaderName, HeaderValue};

/// None of them may come after a body.
const FORBIDDEN: [&str; 14] = [
    "x-forwarded-for",
    "x_real_ip",
    "x-real-ip",
    "forwarded",
    "via",
    "cookie",
    "authorization",
    "x-api-key",
    "x-original-url",
    "x-http-method-override",
    "x-forwarded-user",
    "host",
    "connection",
    "content-length",
];

#[test]
fn what_is_announced_arrives_and_what_is_forbidden_does_not() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    let names = FORBIDDEN.join(", ");
    let trailers: String = FORBIDDEN.iter().map(|name| format!("{name}: 7\r\n")).collect();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Trailer: X-Sum, {names}\r\nTrailer: X-More\r\n\r\n\
         4\r\nsent\r\n0\r\nX-Sum: 42\r\nX-More: 43\r\n{trailers}\r\n"
    );
    let came = raw(retter.address(), request.as_bytes());
    assert!(came.starts_with(b"HTTP/1.1 200"), "{}", came.escape_ascii());
    arrived(&origin);
}

#[test]
fn the_same_holds_of_http2() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    // What speaks of connections is malformed there.
    let names: Vec<_> = FORBIDDEN.into_iter().filter(|name| *name != "connection").collect();
    let request = to("/").method("POST").header("trailer", "x-sum, x-more");
    let request = request.header("trailer", names.join(", "));
    let mut trailers = HeaderMap::new();
    for (name, value) in [("x-sum", "42"), ("x-more", "43")] {
        trailers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for name in names {
        trailers.insert(HeaderName::from_static(name), HeaderValue::from_static("7"));
    }
    let request = request.body(b"sent".to_vec()).expect("a request");
    let reply = Session::plain(retter.address()).send_with(request, trailers);
    assert_eq!(reply.expect("a reply").status, 200);
    arrived(&origin);
}

fn arrived(origin: &Origin) {
    let seen = asked(origin);
    assert_eq!(seen.body, b"sent");
    let mut trailers: Vec<_> = seen.trailers.iter().map(|line| line.to_lowercase()).collect();
    trailers.sort();
    assert_eq!(trailers, ["x-more: 43", "x-sum: 42"]);
    let announced = seen.all("trailer").join(", ").to_lowercase();
    let mut announced: Vec<_> = announced.split(", ").collect();
    announced.sort_unstable();
    assert_eq!(announced, ["x-more", "x-sum"]);
}

#[test]
fn trailers_that_are_all_forbidden_are_not_announced() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
                   Trailer: Cookie, \u{e9}\r\n\r\n0\r\nCookie: a=b\r\n\r\n";
    raw(retter.address(), request.as_bytes());
    let seen = asked(&origin);
    assert_eq!((seen.all("trailer").len(), seen.trailers.len()), (0, 0));
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
    Trailer: X-Sum, X-Retter, X-Circuit\r\nTrailer: Keep-Alive, Set-Cookie\r\n\r\n\
    4\r\ndata\r\n0\r\nX-Sum: 42\r\nX-Retter: cache\r\nX-Circuit: OPEN\r\nKeep-Alive: 7\r\n\
    Set-Cookie: a=b\r\n\r\n";

#[test]
fn an_answers_trailers_say_nothing_in_our_name_or_of_a_connection() {
    let origin = Origin::new().elsewhere(Behaviour::Raw(ANSWER.to_vec()));
    let retter = before(&origin);
    for method in ["GET", "POST"] {
        let request = to("/").method(method).header("te", "trailers");
        let request = request.body(vec![]).expect("a request");
        let reply = Session::plain(retter.address()).send(request).expect("a reply");
        assert_eq!((reply.body.as_slice(), reply.header("trailer")), (&b"data"[..], Some("X-Sum")));
        let trailers = reply.trailers.expect("trailers");
        assert_eq!((trailers.len(), &trailers["x-sum"]), (1, &HeaderValue::from_static("42")));
    }
    let visit = get("/").header("TE", "trailers").header("Connection", "TE, close");
    let came = raw(retter.address(), &visit.bytes()).to_ascii_lowercase();
    assert!(came.ends_with(b"\r\n0\r\nx-sum: 42\r\n\r\n"), "{}", came.escape_ascii());
    assert!(holds(&came, b"\r\ntrailer: x-sum\r\n"), "{}", came.escape_ascii());
}

#[test]
fn nothing_is_announced_to_who_takes_no_trailers() {
    let origin = Origin::new().elsewhere(Behaviour::Raw(ANSWER.to_vec()));
    let retter = before(&origin);
    for visit in [get("/"), get("/").http10()] {
        let visit = visit.header("Connection", "close");
        let came = raw(retter.address(), &visit.bytes()).to_ascii_lowercase();
        assert!(!holds(&came, b"trailer") && !holds(&came, b"x-sum"), "{}", came.escape_ascii());
    }
}
