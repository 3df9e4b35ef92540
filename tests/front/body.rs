//! How much a client may send, and what he is told about it before and while he does.

use crate::support::client::{HOST, post};
use crate::support::origin::{Origin, ok, pattern};
use crate::support::retter::{Retter, Setup};
use crate::support::talk::Talk;
use crate::support::{SOON, until};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

#[test]
fn a_body_that_says_it_is_too_long_is_413_at_once() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = limited(&origin);
    for expects in ["", "Expect: 100-continue\r\n"] {
        let mut talk = Talk::open(retter.address());
        talk.say(format!("{}Content-Length: 1001\r\n{expects}\r\n", head("/up")));
        let heard = talk.hear_all(SOON);
        assert!(heard.closed && heard.statuses() == [413], "{heard:?}");
    }
    assert!(origin.seen().is_empty());
    assert_eq!(retter.figure(&["refused", "body-too-long"]), 2.0);
}

#[test]
fn a_body_as_long_as_it_may_be_goes_through() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = limited(&origin);
    for body in [
        format!("Content-Length: 1000\r\n\r\n{}", "x".repeat(1000)),
        format!("Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk(500).repeat(2)),
    ] {
        let mut talk = Talk::open(retter.address());
        talk.say(format!("{}{body}", head("/up")));
        assert_eq!(talk.hear_until("thanks", SOON).statuses(), [200]);
        let seen = origin.last("/up");
        assert!(seen.whole && seen.body_length == 1000);
    }
}

#[test]
fn a_body_that_turns_out_too_long_is_413_and_breaks_off_for_the_application() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = limited(&origin);
    for end in ["", "0\r\n\r\n"] {
        let mut talk = Talk::open(retter.address());
        let chunks = chunk(300).repeat(4);
        talk.say(format!("{}Transfer-Encoding: chunked\r\n\r\n{chunks}{end}", head("/up")));
        let heard = talk.hear_all(SOON);
        assert!(heard.closed && heard.statuses() == [413], "{heard:?}");
        assert!(until(SOON, || origin.live() == 0), "the application waits for the rest");
    }
    assert!(origin.seen().iter().all(|seen| !seen.whole && seen.body_length <= 1000));
    assert_eq!(retter.figure(&["refused", "body-too-long"]), 2.0);
    assert!(!retter.breaker_has_changed());
}

#[test]
fn once_the_answer_has_begun_it_is_cut_off() {
    let (address, sent) =
        early("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n");
    let retter = Setup::before_url(&address).set("LIMIT_BODY", 1000).start();
    let mut talk = Talk::open(retter.address());
    talk.say(format!("{}Transfer-Encoding: chunked\r\n\r\n{}", head("/up"), chunk(300)));
    let begun = talk.hear_until("early\r\n", SOON);
    assert_eq!(begun.statuses(), [200], "{begun:?}");
    talk.say(chunk(300).repeat(3) + "0\r\n\r\n");
    let rest = talk.hear_all(SOON);
    assert!(rest.closed && !rest.text().contains("0\r\n\r\n"), "it looks whole: {rest:?}");
    let sent = sent.recv_timeout(SOON).expect("the application has heard the end");
    assert!(!sent.ends_with("0\r\n\r\n"), "it looks whole: {sent}");
}

#[test]
fn who_goes_on_sending_can_still_read_why_not() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = limited(&origin);
    let mut talk = Talk::open(retter.address());
    talk.say(format!("{}Content-Length: 20000000\r\n\r\n", head("/up")));
    assert!(talk.say(pattern(0, 20_000_000)), "he is let to say it all");
    let heard = talk.hear_all(SOON);
    assert!(heard.closed && heard.statuses() == [413], "{heard:?}");
}

#[test]
fn without_a_limit_there_is_none() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = Setup::before(&origin).start();
    assert_eq!(retter.visit(&post("/up", pattern(0, 3_000_000))).status, 200);
    assert_eq!(origin.last("/up").body_length, 3_000_000);
}

/// RETTER says it itself, when it has somewhere to pass the body on to: once, whatever the
/// application says.
#[test]
fn who_waits_to_be_told_to_continue_is_told_once() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = Setup::before(&origin).start();
    let mut talk = Talk::open(retter.address());
    talk.say(format!("{}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", head("/up")));
    assert_eq!(talk.hear_until("\r\n\r\n", SOON).statuses(), [100]);
    talk.say("body");
    // The application of these tests says it too.
    assert_eq!(talk.hear_until("thanks", SOON).statuses(), [200]);
    let seen = origin.last("/up");
    assert_eq!((seen.body, seen.whole), (b"body".to_vec(), true));
    assert!(seen.head.windows(12).any(|it| it.eq_ignore_ascii_case(b"100-continue")));
}

#[test]
fn who_need_not_send_his_body_is_not_told_to() {
    let origin = Origin::new().elsewhere(ok("?"));
    origin.down();
    let retter = Setup::before(&origin).start();
    let mut talk = Talk::open(retter.address());
    talk.say(format!("{}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", head("/up")));
    let heard = talk.hear_all(SOON);
    assert!(heard.closed && heard.statuses() == [502], "{heard:?}");
}

#[test]
fn an_application_that_does_not_want_the_body_is_heard() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let (address, _sent) = early(refusal);
    let retter = Setup::before_url(&address).start();
    let mut talk = Talk::open(retter.address());
    talk.say(format!("{}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n", head("/up")));
    let heard = talk.hear(SOON, |bytes| bytes.ends_with(b"no"));
    assert_eq!(heard.statuses().last(), Some(&403), "{heard:?}");
}

#[test]
fn an_early_answer_to_a_long_upload_arrives_and_its_rest_is_no_request() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let (address, _sent) = early(refusal);
    let retter = Setup::before_url(&address).start();
    let mut talk = Talk::open(retter.address());
    talk.say(format!("{}Content-Length: 5000000\r\n\r\n", head("/up")));
    let hidden = format!("GET /hidden HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    talk.say(hidden.repeat(5_000_000 / hidden.len()));
    let heard = talk.hear_all(SOON);
    assert!(heard.closed && heard.statuses() == [403], "{:?}", heard.statuses());
}

/// 1,000 bytes are allowed.
fn limited(origin: &Origin) -> Retter {
    Setup::before(origin).set("LIMIT_BODY", "1000").start()
}

fn head(target: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: {HOST}\r\n")
}

fn chunk(length: usize) -> String {
    format!("{length:x}\r\n{}\r\n", "x".repeat(length))
}

/// An application that answers one request when it has its head, and then hears what else comes.
fn early(answer: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (say, sent) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut heard = head_of(&mut stream);
        stream.write_all(answer.as_bytes()).expect("RETTER listens");
        // A reset is an end too.
        let _ = stream.read_to_end(&mut heard);
        // Nobody may want to know.
        let _ = say.send(String::from_utf8_lossy(&heard).into_owned());
    });
    (format!("http://{address}"), sent)
}

fn head_of(stream: &mut TcpStream) -> Vec<u8> {
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while !heard.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("a request") > 0 {
        heard.push(byte[0]);
    }
    heard
}
