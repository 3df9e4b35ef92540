//! TLS in front, where things do not go as usual, and what goes through it besides pages.

use super::tls::{Secure, ask, before, secure, secured};
use crate::support::client::{HOST, Line};
use crate::support::frames::{PREFACE, SETTINGS};
use crate::support::origin::{Behaviour, Origin, echo, ok, websocket};
use crate::support::pair::Pair;
use crate::support::{SOON, until};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn who_has_no_protocol_in_common_gets_no_connection() {
    let (origin, pair) = (Origin::new().elsewhere(ok("?")), Pair::new());
    let retter = before(&origin, &pair).start();
    let config = Arc::new(pair.client(&[b"acme-tls/1", b"h3"]));
    assert!(ask(&mut secured(&retter, config), super::tls::ASK).is_err());
    assert!(origin.seen().is_empty());
}

#[test]
fn http_2_that_was_not_agreed_on_is_no_http_2() {
    let (origin, pair) = (Origin::new().elsewhere(ok("?")), Pair::new());
    let retter = before(&origin, &pair).start();
    for protocols in [&[][..], &[&b"http/1.1"[..]]] {
        let mut stream = secure(&retter, pair.client(protocols));
        stream.write_all(&[PREFACE, SETTINGS].concat()).expect("it reads");
        let mut answer = Vec::new();
        // It may end in any way.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert!(origin.seen().is_empty() && !retter.has_panicked());
}

#[test]
fn who_finds_no_place_is_closed_without_a_byte() {
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::new());
    let retter = before(&origin, &pair).set("SERVER_MAXCONNECTIONS", 1).start();
    let mut first = secure(&retter, pair.client(&[b"http/1.1"]));
    let keep = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    first.write_all(keep.as_bytes()).expect("it reads");
    assert_eq!(head(&mut first), 200);
    let mut second = Line::open(retter.address()).expect("it listens");
    assert!(second.some().is_ok_and(|bytes| bytes.is_empty()), "something was said");
    drop(first);
    let free = || ask(&mut secure(&retter, pair.client(&[])), super::tls::ASK).is_ok();
    assert!(until(SOON, free), "its place is not free");
}

#[test]
fn the_end_does_not_wait_for_a_handshake() {
    let (origin, pair) = (Origin::new(), Pair::new());
    let mut retter = before(&origin, &pair).set("LIMIT_HEAD", "60").start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&[22, 3, 1, 2, 0, 1]).expect("it reads");
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    retter.term();
    assert!(retter.ended(SOON).is_some() && began.elapsed() < Duration::from_secs(5));
}

#[test]
fn who_is_trusted_says_what_his_visitor_came_by() {
    let (origin, pair) = (Origin::new().elsewhere(ok("1")), Pair::new());
    let retter = before(&origin, &pair).start();
    let said = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n"
    );
    ask(&mut secure(&retter, pair.client(&[])), &said).expect("an answer");
    assert_eq!(origin.last("/").header("x-forwarded-proto").as_deref(), Some("http"));
}

#[test]
fn a_tunnel_goes_through_tls() {
    let (origin, pair) = (Origin::new().elsewhere(websocket(echo)), Pair::new());
    let retter = before(&origin, &pair).start();
    let mut stream = secure(&retter, pair.client(&[b"http/1.1"]));
    let asks = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    // Some of what follows before the application has agreed.
    stream.write_all(&[asks.as_bytes(), b"early "].concat()).expect("it reads");
    assert_eq!(head(&mut stream), 101);
    let mut heard = [0; 6];
    stream.read_exact(&mut heard).expect("an echo");
    assert_eq!(&heard, b"early ");
    let large = vec![b'x'; 300_000];
    let mut back = vec![0; large.len()];
    for piece in large.chunks(30_000) {
        stream.write_all(piece).expect("it reads");
        stream.read_exact(&mut back[..piece.len()]).expect("an echo");
        assert!(back[..piece.len()] == *piece);
    }
    stream.conn.send_close_notify();
    stream.flush().expect("it reads");
    stream.sock.shutdown(Shutdown::Write).expect("it is open");
    assert!(until(SOON, || origin.live() == 0), "the application still has it");
}

#[test]
fn who_goes_on_sending_can_still_read_why_not() {
    let (origin, pair) = (Origin::new().elsewhere(Behaviour::Hang), Pair::new());
    let retter = before(&origin, &pair).set("LIMIT_BODY", 1000).start();
    let mut stream = secure(&retter, pair.client(&[b"http/1.1"]));
    let said = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 20000000\r\n\r\n");
    stream.write_all(said.as_bytes()).expect("it reads");
    stream.write_all(&vec![0; 20_000_000]).expect("he is let to say it all");
    assert_eq!(head(&mut stream), 413);
    assert!(origin.seen().is_empty());
}

/// Reads a head, byte by byte, and tells its status.
fn head(stream: &mut Secure) -> u16 {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("more of a head");
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head);
    text.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_default()
}
