//! What is asked for, and what comes of it.

use super::{TEXT, Visitor, connect, frame, request};
use crate::support::client::{Line, get, head, post};
use crate::support::origin::{
    Behaviour, Origin, SWITCHING, Seen, answer, echo, ok, websocket, websocket_with,
};
use crate::support::retter::Setup;
use crate::support::{SOON, until};
use std::io::Write;
use std::time::Duration;

#[test]
fn the_application_is_asked_as_the_visitor_asked_and_he_hears_its_answer() {
    let origin = Origin::new().route("/chat", websocket(echo));
    let retter = Setup::before(&origin).start();
    let visitor = Visitor::open(&retter, "/chat");
    let seen = origin.last("/chat");
    assert_eq!(
        (values(&seen, "upgrade"), values(&seen, "connection")),
        (one("websocket"), one("upgrade"))
    );
    for (name, value) in [
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "chat, superchat"),
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ("sec-websocket-version", "13"),
        ("origin", "http://shop.example"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        assert_eq!(values(&seen, name), one(value), "{name}");
    }
    assert_eq!(visitor.all("upgrade"), ["websocket"]);
    assert_eq!(visitor.all("connection"), ["upgrade"]);
    assert_eq!(visitor.all("sec-websocket-accept"), ["s3pplmbitxaq9kygzzhzrbk+xoo="]);
    assert_eq!(visitor.all("sec-websocket-protocol"), ["chat"]);
    for none in ["content-length", "transfer-encoding", "content-encoding"] {
        assert_eq!(visitor.all(none), [""; 0], "{none}");
    }
}

#[test]
fn what_belongs_to_one_hop_stays_on_it_in_a_tunnel_too() {
    let said = SWITCHING.replace("Connection: Upgrade", "Connection: Upgrade, X-Hop\r\nX-Hop: 1");
    let said = said.replace("\r\n\r\n", "\r\nX-Retter: cache\r\nContent-Length: 0\r\n\r\n");
    let origin = Origin::new().elsewhere(Behaviour::Tunnel(said.into(), std::sync::Arc::new(echo)));
    let retter = Setup::before(&origin).start();
    let asked = get("/")
        .header("Connection", "keep-alive, x-mine, UPGRADE, Cookie")
        .header("Upgrade", "h2c, WebSocket")
        .header("X-Mine", "1")
        .header("Keep-Alive", "300")
        .header("TE", "trailers")
        .header("HTTP2-Settings", "AAMAAABk")
        .cookie("PHPSESSID=1");
    let visitor = Visitor::ask_by(connect(retter.address()), &asked.bytes());
    let seen = origin.last("/");
    assert_eq!(
        (values(&seen, "upgrade"), values(&seen, "connection")),
        (one("websocket"), one("upgrade"))
    );
    for gone in ["x-mine", "keep-alive", "te", "http2-settings"] {
        assert_eq!(values(&seen, gone), [""; 0], "{gone}");
    }
    assert_eq!(values(&seen, "cookie"), one("PHPSESSID=1"));
    assert_eq!((visitor.status(), visitor.all("connection")), (101, vec!["upgrade"]));
    for gone in ["x-hop", "content-length"] {
        assert_eq!(visitor.all(gone), [""; 0], "{gone}");
    }
    assert_eq!(visitor.all("x-retter"), ["backend"]);
}

#[test]
fn no_byte_reaches_the_application_before_it_has_agreed() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "20").start();
    let early = frame(TEXT, true, b"early");
    let mut stream = connect(retter.address());
    stream.write_all(&[request("/").bytes(), early.clone()].concat()).expect("sent");
    assert!(until(SOON, || origin.hits("/") == 1));
    stream.write_all(&early).expect("sent");
    std::thread::sleep(Duration::from_millis(200));
    // Says how many bytes were there before its own first, and echoes from then on.
    origin.set_all(websocket(|wire| {
        let mut first = [0; 4096];
        let read = wire.read(&mut first).unwrap_or_default();
        let _ = wire.write(&first[..read]);
        echo(wire);
    }));
    let mut visitor = Visitor::ask_by(stream, b"");
    assert_eq!(visitor.status(), 101);
    assert_eq!(visitor.hear(early.len() * 2), [early.clone(), early].concat(), "none is lost");
    visitor.hears_back(b"later");
}

#[test]
fn early_bytes_go_no_further_when_the_application_refuses() {
    let origin = Origin::new().elsewhere(answer(403, "no"));
    let retter = Setup::before(&origin).start();
    let mut stream = connect(retter.address());
    let early = frame(TEXT, true, b"early");
    stream.write_all(&[request("/").bytes(), early].concat()).expect("sent");
    let visitor = Visitor::ask_by(stream, b"");
    assert_eq!(visitor.status(), 403);
    retter.get("/after");
    let seen: Vec<_> = origin.seen().iter().map(Seen::target).collect();
    assert_eq!(seen, ["/", "/after"], "it saw nothing the visitors did not ask for");
}

#[test]
fn bytes_that_came_with_the_101_are_the_first_of_the_tunnel() {
    let hello = frame(TEXT, true, b"hello");
    let origin = Origin::new().elsewhere(websocket_with(&hello, echo));
    let retter = Setup::before(&origin).start();
    let mut visitor = Visitor::open(&retter, "/");
    assert_eq!(visitor.hear(hello.len()), hello);
    visitor.hears_back(b"and the rest");
}

#[test]
fn any_other_answer_is_one_as_to_any_request() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin).without_breaker().start();
    let mut line = Line::open(retter.address()).expect("it listens");
    for status in [200, 403, 404, 426, 500, 503] {
        origin.set("/no", answer(status, format!("because of {status}")));
        let answer = line.send(&request("/no"));
        assert_eq!((answer.status, answer.text()), (status, format!("because of {status}")));
        assert_eq!(answer.header("upgrade"), None);
        assert_eq!(line.send(&get("/page")).text(), "a page", "the connection goes on");
    }
    assert_eq!(origin.hits("/no"), 6, "nothing is sent twice");
}

#[test]
fn no_copy_is_made_of_what_an_upgrade_was_answered() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin).without_breaker().start();
    retter.get("/known");
    retter.wait_for_copies(&["/known"]);
    for path in ["/known", "/unknown"] {
        let mut line = Line::open(retter.address()).expect("it listens");
        assert_eq!(line.send(&request(path)).status, 200);
    }
    origin.down();
    assert_eq!(retter.get("/known").retter(), "cache");
    assert_eq!(retter.get("/unknown").status, 502, "the answer to an upgrade is no page");
    let mut line = Line::open(retter.address()).expect("it listens");
    assert_eq!(line.send(&request("/known")).status, 502, "and none answers one");
}

#[test]
fn what_cannot_become_a_tunnel_goes_on_as_an_ordinary_request() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin).start();
    let upgrade = |visit: crate::support::client::Visit, connection, protocol| {
        visit.header("Connection", connection).header("Upgrade", protocol)
    };
    for (name, visit) in [
        ("h2c, as curl sends it", upgrade(get("/"), "Upgrade, HTTP2-Settings", "h2c")),
        ("TLS", upgrade(get("/"), "Upgrade", "TLS/1.0")),
        ("an unknown one", upgrade(get("/"), "Upgrade", "websockets")),
        ("not named in Connection", upgrade(get("/"), "keep-alive", "websocket")),
        ("POST", upgrade(post("/", "form"), "Upgrade", "websocket")),
        ("HEAD", upgrade(head("/"), "Upgrade", "websocket")),
        ("a body", request("/").body("body")),
        ("HTTP/1.0", request("/").http10()),
    ] {
        let mut line = Line::open(retter.address()).expect("it listens");
        assert_eq!(line.send(&visit).status, 200, "{name}");
        let seen = origin.last("/");
        assert_eq!(values(&seen, "upgrade"), [""; 0], "{name}");
        assert_eq!(values(&seen, "connection"), [""; 0], "{name}");
    }
}

#[test]
fn lines_that_can_be_read_in_two_ways_ask_for_no_tunnel() {
    let origin = Origin::new().elsewhere(ok("a page"));
    let retter = Setup::before(&origin).start();
    let bytes = String::from_utf8(request("/").bytes()).expect("text");
    let bytes = bytes.replace("websocket\r\n", "websocket\n");
    let visitor = Visitor::ask_by(connect(retter.address()), bytes.as_bytes());
    assert_eq!((visitor.status(), visitor.all("connection")), (200, vec!["close"]));
    assert_eq!(values(&origin.last("/"), "upgrade"), [""; 0]);
}

#[test]
fn a_101_that_was_not_asked_for_is_a_malformed_answer() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let retter = Setup::before(&origin).without_breaker().start();
    assert_eq!(retter.get("/").status, 502);
    let h2c = get("/").header("Connection", "Upgrade").header("Upgrade", "h2c");
    let mut line = Line::open(retter.address()).expect("it listens");
    assert_eq!(line.send(&h2c).status, 502);
    let sound = SWITCHING;
    for (name, said) in [
        ("another protocol", sound.replace("Upgrade: websocket", "Upgrade: h2c")),
        ("two protocols", sound.replace("Upgrade: websocket", "Upgrade: websocket, h2c")),
        ("no protocol", sound.replace("Upgrade: websocket\r\n", "")),
        ("HTTP/1.0", sound.replace("HTTP/1.1", "HTTP/1.0")),
        ("a body", sound.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n")),
        ("chunks", sound.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n")),
    ] {
        origin.set_all(Behaviour::Tunnel(said.into(), std::sync::Arc::new(echo)));
        assert_eq!(Visitor::ask(&retter, "/").status(), 502, "{name}");
    }
    assert!(until(SOON, || origin.live() == 0), "none of their connections is kept");
}

fn one(value: &str) -> Vec<String> {
    vec![value.to_owned()]
}

/// Every value of a field as the application saw it; `name` in lower case.
fn values(seen: &Seen, name: &str) -> Vec<String> {
    let lines = seen.lines();
    let fields = lines.iter().filter_map(|line| line.split_once(':'));
    let named = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim().to_owned()).collect()
}
