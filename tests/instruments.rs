//! The instruments tell the truth: what the scripted application does is what the client reports.
//! Every claim about RETTER rests on this.

use crate::support::client::{Answer, End, Line, get, head, post, raw};
use crate::support::origin::{
    Behaviour, Ending, Origin, Seen, answer, computed, fail, garbage, huge_head, ok, pattern,
    pattern_body,
};
use crate::support::{SOON, until};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_route_answers_each_behaviour_once_and_the_last_for_ever() {
    let origin = Origin::new().route("/a", ok("1")).then(fail(503));
    let statuses: Vec<u16> = (0..3).map(|_| ask(&origin, "/a").status).collect();
    assert_eq!(statuses, [200, 503, 503]);
    assert_eq!((origin.hits("/a"), origin.hits("/b")), (3, 0));
    assert_eq!(ask(&origin, "/b").status, 404);
}

#[test]
fn every_framing_of_a_whole_body_is_whole() {
    let origin = Origin::new()
        .route("/length", ok("body"))
        .route("/chunked", ok("body").chunked().slowly(1, Duration::from_millis(1)))
        .route("/close", ok("body").close_delimited());
    for path in ["/length", "/chunked", "/close"] {
        let answer = ask(&origin, path);
        assert!(answer.is_whole(), "{path}: {answer:?}");
        assert_eq!(answer.text(), "body");
    }
}

#[test]
fn a_body_that_breaks_off_is_seen_as_cut() {
    for ending in [Ending::CloseAt(3), Ending::ResetAt(3), Ending::BadChunkAt(3)] {
        let origin = Origin::new().route("/", ok("a whole body").chunked().ending(ending.clone()));
        assert!(ask(&origin, "/").is_cut());
        if !matches!(ending, Ending::BadChunkAt(_)) {
            origin.set("/", ok("a whole body").ending(ending));
            let answer = ask(&origin, "/");
            assert!(answer.is_cut() && answer.body.len() <= 3, "{answer:?}");
        }
    }
}

#[test]
fn no_head_is_status_0() {
    let origin = Origin::new().route("/reset", Behaviour::Reset).route("/close", Behaviour::Close);
    assert_eq!((ask(&origin, "/reset").status, ask(&origin, "/reset").end), (0, End::Reset));
    assert_eq!((ask(&origin, "/close").status, ask(&origin, "/close").end), (0, End::Early));
}

#[test]
fn what_is_not_http_is_sent_as_it_is() {
    let origin = Origin::new().route("/garbage", garbage()).route("/head", huge_head());
    let request = b"GET /garbage HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(raw(origin.address(), request).starts_with(b"\x00\x17SSH"));
    let request = b"GET /head HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(raw(origin.address(), request).len() > 1_000_000);
}

#[test]
fn the_port_is_kept_while_nobody_listens() {
    let origin = Origin::new().route("/", ok("1"));
    let mut line = Line::open(origin.address()).expect("it listens");
    assert!(line.send(&get("/")).is_whole());
    origin.down();
    assert_eq!(line.send(&get("/")).status, 0);
    assert!(TcpStream::connect(origin.address()).is_err());
    origin.up();
    assert_eq!(ask(&origin, "/").status, 200);
}

#[test]
fn a_deaf_application_neither_takes_nor_refuses_connections() {
    let origin = Origin::new();
    origin.deaf();
    let tried = TcpStream::connect_timeout(&origin.address(), Duration::from_millis(300));
    assert_eq!(tried.expect_err("nobody takes it").kind(), std::io::ErrorKind::TimedOut);
    origin.up();
    assert_eq!(ask(&origin, "/").status, 404);
}

#[test]
fn who_hangs_goes_on_when_told_another_behaviour() {
    let origin = Origin::new().route("/", Behaviour::Hang);
    let address = origin.address();
    let visitor = thread::spawn(move || get("/").to(address));
    assert!(until(SOON, || origin.hits("/") == 1));
    assert!(!visitor.is_finished());
    origin.set("/", ok("at last"));
    assert_eq!(visitor.join().expect("no panic").text(), "at last");
}

#[test]
fn a_slow_body_arrives_in_pieces() {
    let slow = ok("abcdef").slowly(1, Duration::from_millis(20)).after(Duration::from_millis(50));
    let origin = Origin::new().route("/", slow);
    let started = Instant::now();
    let mut line = Line::open(origin.address()).expect("it listens");
    line.write(&get("/").bytes()).expect("sent");
    let mut pieces = 0;
    assert!(line.receive(false, |_| pieces += 1).is_whole());
    assert!(pieces >= 3 && started.elapsed() >= Duration::from_millis(150), "{pieces}");
}

#[test]
fn requests_are_recorded_as_they_came() {
    let origin = Origin::new().elsewhere(ok(""));
    let mut line = Line::open(origin.address()).expect("it listens");
    line.send(&post("/p%41th;v=1?q=1", "the body").header("X-Odd", "1").header("x-odd", "2"));
    line.send(&head("/"));
    let seen = origin.last("/p%41th");
    assert_eq!((seen.method(), seen.target()), ("POST".into(), "/p%41th;v=1?q=1".into()));
    assert_eq!((seen.body_length, seen.body.as_slice()), (8, b"the body".as_slice()));
    assert_eq!(seen.body_hash.finalize(), blake3::hash(b"the body"));
    assert!(seen.lines().contains(&"X-Odd: 1".to_owned()));
    assert!(seen.lines().contains(&"x-odd: 2".to_owned()));
    assert_eq!((origin.seen().len(), origin.connections()), (2, 1));
    assert!(origin.seen().iter().all(|seen| seen.connection == 1));
}

#[test]
fn a_behaviour_can_depend_on_the_visitor() {
    let page = |seen: &Seen| ok(seen.header("cookie").unwrap_or("nobody".into()));
    let origin = Origin::new().elsewhere(computed(page));
    assert_eq!(get("/").cookie("a=b").to(origin.address()).text(), "a=b");
    assert_eq!(ask(&origin, "/").text(), "nobody");
}

#[test]
fn heads_and_bodyless_statuses_end_at_their_head() {
    let origin = Origin::new().route("/", ok("12345")).route("/304", answer(304, ""));
    let mut line = Line::open(origin.address()).expect("it listens");
    let answer = line.send(&head("/"));
    assert_eq!((answer.header("content-length"), answer.body.len()), (Some("5"), 0));
    assert!(line.send(&get("/304")).is_whole());
    assert_eq!(line.send(&get("/")).text(), "12345");
}

#[test]
fn a_long_body_is_never_in_memory_and_arrives_in_order() {
    let length = 3_000_001;
    let origin = Origin::new().route("/", pattern_body(length));
    let answer = ask(&origin, "/");
    assert!(answer.is_whole());
    assert_eq!(answer.body, pattern(0, length as usize));
}

fn ask(origin: &Origin, target: &str) -> Answer {
    get(target).to(origin.address())
}
