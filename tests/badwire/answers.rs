//! An application that breaks the rules as clients do, and in its own ways: what it says is not
//! believed. Nobody gets it as if it were whole, no copy arises from it, a copy from before stays
//! and is given, and the next answer on the wire is the next answer.

use crate::support::client::get;
use crate::support::origin::{Behaviour, Origin, huge_head, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::talk::Talk;
use crate::support::{SOON, for_each_row};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn what_is_no_sound_answer_is_never_given_and_never_kept() {
    let rows = rows();
    let names: Vec<usize> = (0..rows.len()).collect();
    let script = |origin: Origin, (number, (_, bytes)): (usize, &(&str, Vec<u8>))| {
        let bad = || Behaviour::Raw(bytes.clone());
        origin
            .route(&format!("/new{number}"), bad())
            .route(&format!("/known{number}"), ok(GOOD))
            .then(bad())
    };
    let origin = rows.iter().enumerate().fold(Origin::new(), script).route("/sound", ok("well"));
    let retter = Setup::before(&origin).without_breaker().start();
    for_each_row(
        &names,
        |number| rows[*number].0.to_owned(),
        |number| {
            for _ in 0..2 {
                let answer = retter.get(&format!("/new{number}"));
                // Of one that goes on after its end he gets what it said it would be.
                let is_given = answer.status == 200 && answer.is_whole();
                assert!(!is_given || rows[*number].0.contains("after"), "{answer:?}");
                // What comes next was asked for, not left over from before.
                assert_eq!(retter.get("/sound").text(), "well");
            }
            let known = format!("/known{number}");
            assert_eq!(retter.get(&known).text(), GOOD);
            for _ in 0..2 {
                // Of chunks nobody knows how many come, so some of them may have left.
                let answer = retter.get(&known);
                let is_copy = (answer.text().as_str(), answer.retter()) == (GOOD, "cache");
                assert!(is_copy || answer.is_cut(), "{answer:?}");
            }
        },
    );
    retter.wait_for_copies(&["/sound"]);
    origin.down();
    for_each_row(
        &names,
        |number| rows[*number].0.to_owned(),
        |number| {
            let answer = retter.get(&format!("/new{number}"));
            assert_eq!((answer.status, answer.retter()), (502, "no-cache"), "{answer:?}");
            assert_eq!(retter.get(&format!("/known{number}")).text(), GOOD);
        },
    );
}

fn rows() -> Vec<(&'static str, Vec<u8>)> {
    let head = [
        (
            "a length beside chunks",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks beside a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 2\r\n\r\nhello"),
        ("a list of two lengths", "Content-Length: 5, 2\r\n\r\nhello"),
        ("a length below zero", "Content-Length: -5\r\n\r\nhello"),
        ("a length with a plus sign", "Content-Length: +5\r\n\r\nhello"),
        ("a length in hex", "Content-Length: 0x5\r\n\r\nhello"),
        ("a length of two words", "Content-Length: 5 5\r\n\r\nhello"),
        ("no length", "Content-Length: \r\n\r\nhello"),
        ("a length above all numbers", "Content-Length: 99999999999999999999\r\n\r\nhello"),
        ("a folded line", "X-A: 1\r\n 2\r\nContent-Length: 5\r\n\r\nhello"),
        ("a folded length", "Content-Length:\r\n 5\r\n\r\nhello"),
        ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        ("a space before the colon", "Content-Length : 5\r\n\r\nhello"),
        (
            "a space before the coding's colon",
            "Transfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        ("a space before the name", " X-A: 1\r\nContent-Length: 5\r\n\r\nhello"),
        ("NUL in a value", "X-A: 1\x002\r\nContent-Length: 5\r\n\r\nhello"),
        ("a bare CR", "X-A: 1\rX-B: 2\r\nContent-Length: 5\r\n\r\nhello"),
        ("no colon", "X-A\r\nContent-Length: 5\r\n\r\nhello"),
        ("no name", ": 1\r\nContent-Length: 5\r\n\r\nhello"),
        ("an unknown coding", "Transfer-Encoding: gzip\r\n\r\nhello"),
        (
            "an unknown coding first",
            "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "a coding after chunked",
            "Transfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        ("the coding twice", "Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        (
            "the coding in two lines",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        ("a coding like chunked", "Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        ("no coding", "Transfer-Encoding: \r\n\r\nhello"),
        ("short of its length", "Content-Length: 9\r\n\r\nhello"),
        ("short of its last chunk", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        (
            "short of the line after its last chunk",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        ),
        ("a chunk's size below zero", "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
        (
            "a chunk's size above all numbers",
            "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        ),
        ("a chunk without a size", "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n"),
        ("a chunk that is longer", "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n"),
        ("a chunk that is shorter", "Transfer-Encoding: chunked\r\n\r\n6\r\nhello\r\n0\r\n\r\n"),
        ("bytes after the end", "Content-Length: 5\r\n\r\nhello and more"),
        ("bytes after no body", "Content-Length: 0\r\n\r\nhello"),
        (
            "an answer after the end",
            "Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        ),
        (
            "an answer after the last chunk",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        ),
        ("no end of the head", "Content-Length: 5\r\n"),
    ];
    let whole = [
        ("nothing", ""),
        ("no HTTP", "SSH-2.0-OpenSSH_9.9\r\n\r\n"),
        ("HTTP/0.9", "<html>hello</html>"),
        ("another version", "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        ("a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello"),
        ("a status below all", "HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\nhello"),
        ("no status", "HTTP/1.1 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (
            "chunks in HTTP/1.0",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "101 unasked",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello",
        ),
        ("a promise and no answer", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("promises and nonsense", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nhello"),
        (
            "a malformed promise",
            "HTTP/1.1 103 Early Hints\r\nLink : </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ),
    ];
    let many = "X: y\r\n".repeat(101) + "Content-Length: 5\r\n\r\nhello";
    let long = format!("X: {}\r\nContent-Length: 5\r\n\r\nhello", "y".repeat(70_000));
    let Behaviour::Raw(huge) = huge_head() else { unreachable!("it is raw") };
    let ok_with =
        |rest: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{rest}").into_bytes();
    let mut rows: Vec<_> = head.iter().map(|(name, rest)| (*name, ok_with(rest))).collect();
    rows.extend(whole.map(|(name, bytes)| (name, bytes.as_bytes().to_vec())));
    rows.extend([
        ("too many lines", ok_with(&many)),
        ("too long a line", ok_with(&long)),
        ("too long a head", huge),
    ]);
    rows
}

#[test]
fn promises_before_the_answer_go_no_further() {
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
                  HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nSet-Cookie: a=b\r\n\r\n\
                  HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello";
    let origin = Origin::new().elsewhere(Behaviour::Raw(answer.into()));
    let retter = Setup::before(&origin).start();
    let mut talk = Talk::open(retter.address());
    talk.say(get("/").header("Connection", "close").bytes());
    let heard = talk.hear_all(SOON);
    assert_eq!(heard.statuses(), [200], "{heard:?}");
    assert!(heard.text().ends_with("hello") && !heard.text().contains("a.css"), "{heard:?}");
    assert!(!heard.text().to_lowercase().contains("set-cookie"), "{heard:?}");
    let copy = retter.get("/");
    assert_eq!((copy.text().as_str(), copy.header("link")), ("hello", None));
}

/// They cost time, and that has an end; others are served meanwhile.
#[test]
fn promises_without_an_end_have_one() {
    for promise in
        ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]
    {
        ends_in_time(promise.repeat(1000), "504");
    }
    ends_in_time("X-Endless: 1\r\n".repeat(1000), "502");
    ends_in_time("\r\n".repeat(1000), "50");
}

/// An application that says this for ever is given up soon, and RETTER goes on.
fn ends_in_time(said: String, status: &str) {
    // With one worker alone nobody else can serve the others.
    let retter = Setup::before_url(&drones(said))
        .set("BACKEND_TIMEOUT", "1")
        .variable("TOKIO_WORKER_THREADS", "1")
        .start();
    let asking = thread::spawn({
        let address = retter.address();
        move || get("/").to(address)
    });
    is_prompt(&retter);
    let answer = asking.join().expect("it does not panic");
    assert!(answer.status.to_string().starts_with(status), "{answer:?}");
}

/// On a connection that stays: the end of one would send what it was not sent yet.
fn is_prompt(retter: &Retter) {
    let end = Instant::now() + Duration::from_millis(500);
    let mut talk = Talk::open(retter.address());
    while Instant::now() < end {
        talk.say(get("/health").bytes());
        let heard = talk.hear_until("}\n", Duration::from_millis(700));
        assert!(heard.statuses() == [200] && heard.text().ends_with("}\n"), "{heard:?}");
    }
}

/// An application that says the same for ever to everybody.
fn drones(said: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let said = said.clone();
            thread::spawn(move || drone(stream, said.as_bytes()));
        }
    });
    format!("http://{address}")
}

fn drone(mut stream: TcpStream, said: &[u8]) {
    let asked = stream.read(&mut [0; 4096]);
    if asked.is_ok_and(|got| got > 0) && !said.starts_with(b"X-") || stream.write_all(OK).is_ok() {
        while stream.write_all(said).is_ok() {}
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
const GOOD: &str = "the good page";
