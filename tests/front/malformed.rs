//! HTTP/2 requests that are none (RFC 9113 sections 8.1 to 8.3), as no library would send them: their
//! streams or connections end, and the application hears of none.

use crate::support::SOON;
use crate::support::client::HOST;
use crate::support::for_each_row;
use crate::support::frames::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Peer, RST_STREAM, fields, frame,
};
use crate::support::origin::{Origin, ok};
use crate::support::retter::Setup;
use std::time::Instant;

type Fields<'a> = Vec<(&'a str, &'a str)>;
/// Lengths that are said, and pieces of a body.
type Said<'a> = (&'a str, &'a [&'a str], &'a [&'a [u8]]);

#[test]
fn a_head_that_is_none_goes_no_further() {
    let with = |name, value| [REQUEST.to_vec(), vec![(name, value)]].concat();
    let but = |name, value| {
        let changed = REQUEST.iter().map(|(at, old)| (*at, if *at == name { value } else { *old }));
        changed.collect::<Fields>()
    };
    let without = |name| REQUEST.into_iter().filter(|(at, _)| *at != name).collect::<Fields>();
    let rows: Vec<(&str, Fields)> = vec![
        ("connection", with("connection", "close")),
        ("keep-alive", with("keep-alive", "timeout=5")),
        ("proxy-connection", with("proxy-connection", "close")),
        ("upgrade", with("upgrade", "h2c")),
        ("transfer-encoding", with("transfer-encoding", "chunked")),
        ("te", with("te", "gzip")),
        ("a large letter", with("X-Large", "1")),
        ("a space in a name", with("x a", "1")),
        ("a colon in a name", with("x:a", "1")),
        ("a line end in a name", with("x\r\nx-a", "1")),
        ("no name", with("", "1")),
        ("NUL", with("x-a", "1\x002")),
        ("CR", with("x-a", "1\r2")),
        ("LF", with("x-a", "1\n2")),
        ("a request in a value", with("x-a", "1\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("a pseudo-field that nobody knows", with(":other", "1")),
        ("one of an answer", with(":status", "200")),
        ("one after the others", [vec![("x-a", "1")], REQUEST.to_vec()].concat()),
        ("a second path", with(":path", "/bad")),
        ("a second method", with(":method", "GET")),
        ("a second authority", with(":authority", HOST)),
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        ("no path", without(":path")),
        ("nobody is asked", without(":authority")),
        ("an empty path", but(":path", "")),
        ("a path that is a query", but(":path", "?a")),
        ("a path without a slash", but(":path", "bad")),
        ("a path with a space", but(":path", "/bad HTTP/1.1")),
        ("a path with a line end", but(":path", "/bad\r\nX-A: 1")),
        ("a whole address for a path", but(":path", "http://shop.example/bad")),
        ("a method with a space", but(":method", "GET /hidden")),
        ("no word for a method", but(":method", "")),
        ("a user", but(":authority", "admin@shop.example")),
        ("a user and a password", but(":authority", "admin:secret@shop.example")),
        ("a path in the authority", but(":authority", "shop.example/hidden")),
        ("a space in the authority", but(":authority", "shop example")),
        ("another host", with("host", "other.example")),
        ("two hosts", [with("host", HOST), vec![("host", "other.example")]].concat()),
    ];
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = Setup::before(&origin).start();
    for_each_row(
        &rows,
        |(name, _)| (*name).to_owned(),
        |(_, head)| {
            let mut peer = Peer::greeting(retter.address(), &[]);
            peer.say(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields(head)));
            assert!(is_refused(&mut peer), "it is answered");
        },
    );
    let seen: Vec<_> = origin.seen().iter().map(|seen| seen.lines()).collect();
    assert!(seen.is_empty() && !retter.has_panicked(), "{seen:?}");
}

#[test]
fn a_length_that_the_body_contradicts_is_never_a_whole_request() {
    let rows: [Said; 6] = [
        ("more than it says", &["2"], &[b"abc"]),
        ("less than it says", &["5"], &[b"abc"]),
        ("more than it says, later", &["5"], &[b"abc", b"def"]),
        ("none at all", &["5"], &[b""]),
        ("two lengths", &["3", "4"], &[b"abc"]),
        ("no number", &["3a"], &[b"abc"]),
    ];
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = Setup::before(&origin).start();
    for_each_row(
        &rows,
        |(name, ..)| (*name).to_owned(),
        |(_, lengths, pieces)| {
            let lengths = lengths.iter().map(|length| ("content-length", *length));
            let head: Fields = REQUEST.into_iter().chain(lengths).collect();
            let head = fields(&[vec![(":method", "POST")], head[1..].to_vec()].concat());
            let mut peer = Peer::greeting(retter.address(), &[]);
            peer.say(&frame(HEADERS, END_HEADERS, 1, &head));
            for (at, piece) in pieces.iter().enumerate() {
                let end = if at + 1 == pieces.len() { END_STREAM } else { 0 };
                peer.say(&frame(DATA, end, 1, piece));
            }
            assert!(is_refused(&mut peer), "it is answered");
        },
    );
    assert!(origin.seen().iter().all(|seen| !seen.whole));
    assert!(!retter.breaker_has_changed() && !retter.has_panicked());
}

#[test]
fn a_head_that_does_not_come_to_its_end_holds_no_connection() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_IDLE", "500ms").start();
    let mut peer = Peer::greeting(retter.address(), &[]);
    peer.say(&frame(HEADERS, END_STREAM, 1, &fields(&REQUEST)));
    let began = Instant::now();
    while peer.next().is_some() {}
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(origin.seen().is_empty());
}

#[test]
fn no_protocol_is_spoken_through_a_stream() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = Setup::before(&origin).start();
    let connect = |more: &Fields<'static>| {
        let head = [(":method", "CONNECT"), (":authority", HOST)];
        [head.to_vec(), more.clone(), vec![("sec-websocket-version", "13")]].concat()
    };
    let websocket = vec![(":protocol", "websocket"), (":scheme", "http"), (":path", "/chat")];
    for head in [connect(&websocket), connect(&vec![])] {
        let mut peer = Peer::greeting(retter.address(), &[]);
        let settings = peer.next_of(0, &[SETTINGS]).expect("it greets");
        let names: Vec<_> = settings.payload.chunks(6).map(|one| one[1]).collect();
        assert!(!names.contains(&ENABLE_CONNECT_PROTOCOL), "it is offered");
        peer.say(&frame(HEADERS, END_HEADERS, 1, &fields(&head)));
        assert!(is_refused(&mut peer), "it is answered");
    }
    assert!(origin.seen().is_empty());
}

/// The stream or the connection ends, or the answer is that this is no request.
fn is_refused(peer: &mut Peer) -> bool {
    loop {
        let Some(frame) = peer.next() else { return true };
        match frame.kind {
            GOAWAY | RST_STREAM => return true,
            // From HPACK's table, or 405, for which there is no place in it.
            HEADERS => return matches!(frame.payload[0], 0x8c | 0x08 | 0x48),
            _ => {}
        }
    }
}

const REQUEST: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/bad")];
const SETTINGS: u8 = 4;
const ENABLE_CONNECT_PROTOCOL: u8 = 8;
