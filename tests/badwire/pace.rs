//! The same bytes in any pieces are the same message.

use super::strict;
use crate::support::SOON;
use crate::support::client::get;
use crate::support::origin::{Origin, ok};
use crate::support::retter::Setup;
use crate::support::talk::Talk;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

#[test]
fn a_request_in_single_bytes_is_a_request() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = strict(&origin);
    let request = "POST /up?q=1 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5;x=1\r\nthe b\r\n3\r\nody\r\n0\r\n\r\n";
    let mut talk = Talk::open(retter.address());
    assert!(talk.say_slowly(request, 1, INSTANT));
    assert_eq!(talk.hear_until("thanks", SOON).statuses(), [200]);
    let seen = origin.last("/up");
    assert_eq!((seen.target().as_str(), seen.body.as_slice()), ("/up?q=1", b"the body".as_slice()));
    assert!(seen.whole && origin.seen().len() == 1);
}

#[test]
fn pipelined_requests_in_single_bytes_get_their_answers() {
    let origin = Origin::new().elsewhere(ok("page"));
    let retter = strict(&origin);
    let mut talk = Talk::open(retter.address());
    assert!(talk.say_slowly([get("/1").bytes(), get("/2").bytes()].concat(), 1, INSTANT));
    assert_eq!(talk.hear_all(SOON).statuses(), [200, 200]);
    assert_eq!(origin.seen().iter().map(|seen| seen.target()).collect::<Vec<_>>(), ["/1", "/2"]);
}

#[test]
fn an_answer_in_single_bytes_is_an_answer_and_a_copy() {
    for body in [
        "Content-Length: 8\r\n\r\nthe page",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nthe\r\n5\r\n page\r\n0\r\n\r\n",
    ] {
        let url = format!(
            "http://{}",
            drips(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{body}"))
        );
        let retter = Setup::before_url(&url).start();
        let first = retter.get("/");
        assert_eq!((first.text().as_str(), first.retter()), ("the page", "backend"));
        let second = retter.get("/");
        assert_eq!((second.text().as_str(), second.retter()), ("the page", "cache"));
    }
}

/// An application that answers once, a byte at a time, and is gone.
fn drips(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        drop(listener);
        stream.set_nodelay(true).expect("an option every system has");
        let asked = stream.read(&mut [0; 4096]).expect("a request");
        assert!(asked > 0);
        for byte in answer.bytes() {
            stream.write_all(&[byte]).expect("RETTER listens");
            thread::sleep(INSTANT);
        }
    });
    address
}

const INSTANT: Duration = Duration::from_millis(2);
