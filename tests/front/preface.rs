//! The first bytes of a connection: HTTP/1 goes on at the first one that differs.

use crate::support::client::{Line, get};
use crate::support::frames::{HEADERS, PREFACE, SETTINGS, kinds, request};
use crate::support::origin::{Origin, ok};
use crate::support::retter::Setup;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_preface_may_come_byte_by_byte() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    let mut line = Line::open(retter.address()).expect("it listens");
    for byte in PREFACE {
        line.write(&[*byte]).expect("it reads");
        thread::sleep(Duration::from_millis(5));
    }
    line.write(SETTINGS).expect("it reads");
    line.write(&request(0)).expect("it reads");
    while !kinds(&line.some().expect("an answer")).contains(&HEADERS) {}
}

#[test]
fn requests_that_begin_like_one_are_requests() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).start();
    for begin in ["P", "PR", "PRI", "PRI "] {
        let mut line = Line::open(retter.address()).expect("it listens");
        line.write(begin.as_bytes()).expect("it reads");
        thread::sleep(Duration::from_millis(30));
        let rest = match begin {
            "P" => "OST /p HTTP/1.1\r\n",
            "PR" => "OPFIND /p HTTP/1.1\r\n",
            "PRI" => "NT /p HTTP/1.1\r\n",
            _ => "/p HTTP/1.1\r\n",
        };
        line.write(rest.as_bytes()).expect("it reads");
        line.write(b"Host: a\r\n\r\n").expect("it reads");
        assert_eq!(line.receive(false, |_| ()).status, 200, "{begin}");
        let method = format!("{begin}{rest}");
        let method = method.split(' ').next().unwrap_or_default();
        assert_eq!(origin.last("/p").method(), method);
        assert_eq!(line.send(&get("/again")).status, 200, "the connection goes on");
    }
}

#[test]
fn a_lone_byte_waits_for_no_preface() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).start();
    // Shorter than a preface, and whole.
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(b"GET / HTTP/1.0\r\n\r\n").expect("it reads");
    assert_eq!(line.receive(false, |_| ()).status, 200);
}

#[test]
fn a_preface_that_does_not_come_to_its_end_is_a_slow_head() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).set("LIMIT_HEAD", "500ms").start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&PREFACE[..10]).expect("it reads");
    assert_eq!(line.receive(false, |_| ()).status, 408);
    assert_eq!(retter.figure(&["refused", "head-timeout"]), 1.0);
}

#[test]
fn a_greeting_that_does_not_come_to_its_end_is_cut() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).set("LIMIT_HEAD", "500ms").start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(PREFACE).expect("it reads");
    let began = Instant::now();
    while !line.some().is_ok_and(|bytes| bytes.is_empty()) {}
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(retter.figure(&["refused", "head-timeout"]), 1.0);
}

#[test]
fn garbage_after_a_preface_ends_the_connection() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    for garbage in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &[0xff; 64]] {
        let mut line = Line::open(retter.address()).expect("it listens");
        line.write(&[PREFACE, garbage].concat()).expect("it reads");
        while line.some().is_ok_and(|bytes| !bytes.is_empty()) {}
    }
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").expect("it reads");
    let refused = line.receive(false, |_| ()).status;
    assert!(refused == 400 || refused == 505, "{refused}");
    assert!(origin.seen().is_empty() && !retter.has_panicked());
}
