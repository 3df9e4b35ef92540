//! A proxy in front that only passes bytes on says whose they are.

use crate::support::client::get;
use crate::support::for_each_row;
use crate::support::origin::{Origin, ok};
use crate::support::pair::Pair;
use crate::support::retter::{Retter, Setup};
use crate::support::session::Session;
use crate::support::talk::{Heard, Talk};
use crate::support::{SOON, until};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

#[test]
fn the_client_is_whom_the_proxy_names() {
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("version 1", V1.into(), "203.0.113.9"),
        ("version 1, IPv6", b"PROXY TCP6 2001:db8::9 ::1 1 2\r\n".into(), "2001:db8::9"),
        ("version 1, unknown", b"PROXY UNKNOWN\r\n".into(), "127.0.0.1"),
        ("version 2", v2(0x21, 0x11, &[203, 0, 113, 9, 192, 0, 2, 1, 0, 1, 0, 2]), "203.0.113.9"),
        ("version 2, IPv6", v2(0x21, 0x21, &[0x20; 36]), "2020:2020:2020:2020:2020:2020:2020:2020"),
        (
            "version 2, with more",
            v2(0x21, 0x11, &[[203].repeat(12), [3].repeat(3000)].concat()),
            "203.203.203.203",
        ),
        ("version 2, the proxy's own", v2(0x20, 0, &[]), "127.0.0.1"),
        ("version 2, a path", v2(0x21, 0x31, &[b'/'; 216]), "127.0.0.1"),
    ];
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = behind(&origin).start();
    for (name, header, client) in rows {
        for pace in [header.len() + 1000, 7, 1] {
            let mut talk = Talk::open(retter.address());
            let said = [&header[..], &get("/").bytes()].concat();
            assert!(talk.say_slowly(&said[..], pace, Duration::ZERO));
            assert_eq!(talk.hear_until("page", SOON).statuses(), [200], "{name}, {pace}");
            assert_eq!(forwarded_for(&origin), client, "{name}");
            // It is said once a connection.
            talk.say(get("/").bytes());
            assert_eq!(talk.hear_until("page", SOON).statuses(), [200], "{name}, once more");
            assert_eq!(forwarded_for(&origin), client, "{name}, once more");
        }
    }
}

#[test]
fn what_does_not_begin_so_is_closed_and_counted() {
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("a request", get("/").bytes()),
        ("another word", b"PROXIES TCP4 203.0.113.9 192.0.2.1 1 2\r\n".into()),
        ("in small letters", b"proxy TCP4 203.0.113.9 192.0.2.1 1 2\r\n".into()),
        ("a bare LF", b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2\n".into()),
        ("no address", b"PROXY TCP4 localhost 192.0.2.1 1 2\r\n".into()),
        ("no end", [b"PROXY UNKNOWN ".to_vec(), [b'x'].repeat(200)].concat()),
        ("another version", v2(0x11, 0x11, &[1; 12])),
        ("another command", v2(0x22, 0x11, &[1; 12])),
        ("too short", v2(0x21, 0x11, &[1; 11])),
        ("too long", v2(0x21, 0x11, &[1; 5000])),
        ("the signature alone", v2(0, 0, &[])[..12].into()),
        ("an end within", b"PROXY TCP4 203.0.1".into()),
    ];
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = behind(&origin).start();
    let count = rows.len() as f64;
    for_each_row(
        &rows,
        |(name, _)| (*name).to_owned(),
        |(name, bytes)| {
            let mut talk = Talk::open(retter.address());
            talk.say([&bytes[..], &get("/").bytes()].concat());
            if name.starts_with("an end") || name.starts_with("the signature") {
                // What follows would be taken for the rest of it.
                talk = Talk::open(retter.address());
                talk.say(bytes);
            }
            talk.finish();
            let heard = talk.hear_all(SOON);
            assert!(heard.closed && heard.bytes.is_empty(), "{heard:?}");
        },
    );
    assert!(origin.seen().is_empty());
    let refused = refused(&retter, "proxy-header");
    assert!(refused >= count && refused <= count + 2.0, "{refused}");
    assert!(until(SOON, || retter.log().contains("nobody knows whose it is")));
}

#[test]
fn who_waits_with_it_is_closed_without_a_byte() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = behind(&origin).set("LIMIT_HEAD", "300ms").start();
    for start in [&b""[..], b"P", b"PROXY TCP4 203.0.113.9", &v2(0x21, 0x11, &[1; 12])[..20]] {
        let mut talk = Talk::open(retter.address());
        talk.say(start);
        let heard = talk.hear_all(SOON);
        assert!(heard.closed && heard.bytes.is_empty(), "{heard:?}");
    }
    assert_eq!(refused(&retter, "proxy-header-timeout"), 4.0);
}

#[test]
fn who_only_looks_whether_somebody_listens_is_no_trouble() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = behind(&origin).start();
    (0..5).for_each(|_| Talk::open(retter.address()).finish());
    assert_eq!(refused(&retter, "proxy-header"), 0.0);
}

#[test]
fn only_a_trusted_peer_may_connect() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = behind(&origin).set("SERVER_TRUSTED", "127.0.0.2").start();
    let mut talk = Talk::open(retter.address());
    talk.say([V1, &get("/").bytes()].concat());
    let heard = talk.hear_all(SOON);
    assert!(heard.closed && heard.bytes.is_empty() && origin.seen().is_empty(), "{heard:?}");
    let proxy = Ipv4Addr::new(127, 0, 0, 2);
    let visit = get("/").header("Connection", "close").bytes();
    let heard = asks_from(proxy, retter.address(), &[V1, &visit].concat());
    assert!(heard.ends_with("page"), "{heard}");
    let health = get("/health").header("Connection", "close").bytes();
    let health = asks_from(proxy, retter.address(), &[V1, &health].concat());
    assert!(health.contains("\"not-a-proxy\":1"), "{health}");
}

#[test]
fn what_is_believed_is_judged_by_who_is_named() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = behind(&origin).start();
    let claims = get("/").header("X-Forwarded-For", "198.51.100.1");
    let claims = claims.header("Connection", "close").bytes();
    for (named, seen) in [("203.0.113.9", "203.0.113.9"), ("127.0.0.3", "198.51.100.1, 127.0.0.3")]
    {
        let header = format!("PROXY TCP4 {named} 192.0.2.1 1 2\r\n");
        says(&retter, &[header.as_bytes(), &claims].concat());
        assert_eq!(forwarded_for(&origin), seen);
    }
}

/// `UNKNOWN` is what a proxy says of a visitor it cannot name, `LOCAL` what it says of itself.
#[test]
fn who_cannot_be_named_has_not_the_trust_in_the_proxy() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = behind(&origin).start();
    let claims = get("/").header("X-Forwarded-For", "198.51.100.1");
    let claims = claims.header("Connection", "close").bytes();
    for (header, seen) in [
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (v2(0x21, 0, &[]), "127.0.0.1"),
        (v2(0x21, 0x31, &[b'/'; 216]), "127.0.0.1"),
        (v2(0x20, 0, &[]), "198.51.100.1, 127.0.0.1"),
    ] {
        assert_eq!(says(&retter, &[&header[..], &claims].concat()).statuses(), [200]);
        assert_eq!(forwarded_for(&origin), seen, "{header:?}");
    }
}

#[test]
fn those_who_cannot_be_named_count_as_one() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = behind(&origin).set("LIMIT_CLIENT", 2).start();
    let open = |header: &[u8]| {
        let mut talk = Talk::open(retter.address());
        talk.say([header, &get("/").bytes()].concat());
        (talk.hear(SOON, |bytes| bytes.ends_with(b"page")).statuses(), talk)
    };
    let unknown = b"PROXY UNKNOWN\r\n";
    let _places = [open(unknown), open(unknown)];
    assert_eq!(open(unknown).0, [503]);
    assert_eq!(open(&v2(0x20, 0, &[])).0, [200], "the proxy itself is not counted");
    assert_eq!(open(V1).0, [200], "nor is anybody else");
}

#[test]
fn http_2_and_tls_may_follow_the_header() {
    let (origin, pair) = (Origin::new().elsewhere(ok("page")), Pair::new());
    let plain = behind(&origin).start();
    let tls = behind(&origin).set("TLS_CERTIFICATE", pair.certificate().display());
    let tls = tls.set("TLS_KEY", pair.key().display()).start();
    for mut session in
        [Session::behind(V1, plain.address()), Session::secure_behind(V1, tls.address(), &pair)]
    {
        for _ in 0..2 {
            assert_eq!(session.get("/").expect("a reply").text(), "page");
            assert_eq!(forwarded_for(&origin), "203.0.113.9");
        }
    }
}

#[test]
fn places_are_counted_by_who_is_named() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = behind(&origin).set("LIMIT_CLIENT", 2).start();
    let open = |named: &str| {
        let mut talk = Talk::open(retter.address());
        let header = format!("PROXY TCP4 {named} 192.0.2.1 1 2\r\n");
        talk.say([header.as_bytes(), &get("/").bytes()].concat());
        let heard = talk.hear(SOON, |bytes| bytes.ends_with(b"page"));
        (heard.statuses(), talk)
    };
    let (first, second) = (open("203.0.113.9"), open("203.0.113.9"));
    assert_eq!((first.0, second.0), (vec![200], vec![200]));
    assert_eq!(open("203.0.113.9").0, [503]);
    assert_eq!(open("203.0.113.10").0, [200], "another client");
    drop(first.1);
    assert!(until(SOON, || open("203.0.113.9").0 == [200]), "a place that is free is given away");
}

#[test]
fn while_it_is_off_the_header_is_no_request() {
    let origin = Origin::new().elsewhere(ok("?"));
    let retter = Setup::before(&origin).start();
    let mut talk = Talk::open(retter.address());
    talk.say([V1, &get("/").bytes()].concat());
    let heard = talk.hear_all(SOON);
    assert!(heard.closed && heard.statuses() == [400], "{heard:?}");
    assert!(origin.seen().is_empty());
}

#[test]
fn with_nobody_to_trust_it_is_a_mistake() {
    let setup = Setup::bare().set("SERVER_PROXYPROTOCOL", "on").set("SERVER_TRUSTED", "none");
    let output = setup.run();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("RETTER_SERVER_PROXYPROTOCOL and RETTER_SERVER_TRUSTED"), "{said}");
}

#[test]
fn the_end_does_not_wait_for_a_header() {
    let origin = Origin::new().elsewhere(ok("?"));
    let mut retter = behind(&origin).start();
    let _waiting = Talk::open(retter.address());
    assert_eq!(refused(&retter, "proxy-header"), 0.0, "it has been accepted by now");
    let began = Instant::now();
    retter.term();
    assert!(retter.ended(SOON).is_some() && began.elapsed() < Duration::from_secs(5));
}

fn behind(origin: &Origin) -> Setup {
    Setup::before(origin).set("SERVER_PROXYPROTOCOL", "on")
}

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = (block.len() as u16).to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, block].concat()
}

fn forwarded_for(origin: &Origin) -> String {
    origin.last("/").header("x-forwarded-for").unwrap_or_default()
}

fn says(retter: &Retter, bytes: &[u8]) -> Heard {
    let mut talk = Talk::open(retter.address());
    talk.say(bytes);
    talk.hear_all(SOON)
}

/// How many connections were turned away for this reason, by `/health`.
fn refused(retter: &Retter, reason: &str) -> f64 {
    let asked = get("/health").header("Connection", "close").bytes();
    let heard = says(retter, &[b"PROXY UNKNOWN\r\n", &asked[..]].concat());
    let text = heard.text();
    let (_, body) = text.split_once("\r\n\r\n").expect("an answer");
    let health: serde_json::Value = serde_json::from_str(body).expect("JSON");
    health["refused"][reason].as_f64().unwrap_or(0.0)
}

fn asks_from(from: Ipv4Addr, to: SocketAddr, bytes: &[u8]) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((from, 0)).into()).expect("loopback is all of 127.0.0.0/8");
    socket.connect(&to.into()).expect("it listens");
    let mut stream = TcpStream::from(socket);
    stream.write_all(bytes).expect("sent");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("an answer");
    heard
}

const V1: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2\r\n";
