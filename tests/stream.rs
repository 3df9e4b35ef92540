//! Bodies stream: in bounded memory, as they come, and at the pace of who reads them.

use crate::support::client::{End, Line, get};
use crate::support::origin::{Behaviour, Ending, Origin, ok, pattern, pattern_body};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, for_each_row, until};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_long_download_costs_a_few_buffers() {
    for answer in [pattern_body(LONG), pattern_body(LONG).chunked()] {
        let origin = Origin::new().elsewhere(answer);
        let retter = Setup::before(&origin).start();
        let mut line = Line::open(retter.address()).expect("it listens");
        line.write(&get("/").bytes()).expect("sent");
        let (mut length, mut hash) = (0, blake3::Hasher::new());
        let answer = line.receive(false, |piece| {
            length += piece.len() as u64;
            hash.update(piece);
        });
        assert!(answer.is_whole() && length == LONG, "{length} {:?}", answer.end);
        assert_eq!(hash.finalize(), hash_of_pattern());
        stays_small(&retter);
    }
}

#[test]
fn a_long_upload_costs_a_few_buffers() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = Setup::before(&origin).start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(upload_head(LONG).as_bytes()).expect("sent");
    for piece in pieces() {
        line.write(&piece).expect("sent");
    }
    assert!(line.receive(false, |_| {}).is_whole());
    let seen = origin.last("/up");
    assert_eq!((seen.body_length, seen.body_hash.finalize()), (LONG, hash_of_pattern()));
    stays_small(&retter);
}

#[test]
fn the_first_bytes_arrive_before_the_last_are_sent() {
    let part = || ok("data: first\n\ndata: second\n\n").ending(Ending::HangAt(13));
    let origin = Origin::new()
        .route("/events", part().typed("text/event-stream").chunked())
        .route("/chunks", part().chunked())
        .route("/length", part());
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "20").start();
    for path in ["/events", "/chunks", "/length"] {
        let mut line = Line::open(retter.address()).expect("it listens");
        line.write(&get(path).bytes()).expect("sent");
        assert_eq!(line.head().expect("a head").status, 200, "{path}");
        let mut came = Vec::new();
        let there = until(SOON, || {
            came.extend(line.some().unwrap_or_default());
            String::from_utf8_lossy(&came).contains("data: first")
        });
        assert!(there, "{path}: {came:?}");
    }
}

#[test]
fn an_upload_arrives_while_it_is_sent() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = Setup::before(&origin).start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(upload_head(20).as_bytes()).expect("sent");
    line.write(b"0123456789").expect("sent");
    let arrived = until(SOON, || origin.hits("/up") == 1 && origin.last("/up").body_length == 10);
    assert!(arrived, "the first half waits for the second");
    line.write(b"0123456789").expect("sent");
    assert!(line.receive(false, |_| {}).is_whole());
    assert_eq!(origin.last("/up").body, b"01234567890123456789");
}

#[test]
fn a_slow_visitor_is_not_a_slow_application() {
    let origin = Origin::new().elsewhere(pattern_body(30_000_000));
    let setup = Setup::before(&origin).set("BREAKER_SLOW_TIME", "1 second");
    let retter = setup.set("BREAKER_MINIMUM", 2).start();
    let address = retter.address();
    let visitors = [(); 6].map(|()| thread::spawn(move || dawdle(address)));
    for visitor in visitors {
        assert_eq!(visitor.join().expect("no panic"), 30_000_000, "nobody is cut off");
    }
    let answer = retter.get("/next");
    assert_eq!((answer.status, answer.circuit()), (200, "CLOSED"));
}

/// Reads the head, does nothing for longer than the application may take, and then reads on.
fn dawdle(address: std::net::SocketAddr) -> u64 {
    let mut line = Line::open(address).expect("it listens");
    line.write(&get("/").header("Connection", "close").bytes()).expect("sent");
    assert_eq!(line.head().expect("a head").status, 200);
    thread::sleep(Duration::from_millis(2500));
    let mut length = 0;
    while let Ok(piece) = line.some() {
        if piece.is_empty() {
            break;
        }
        length += piece.len() as u64;
    }
    length
}

#[test]
fn a_slow_but_moving_body_is_not_cut() {
    let slow = ok("0123456789").slowly(1, Duration::from_millis(200));
    let origin = Origin::new().elsewhere(slow);
    // Two seconds in all, never silent for one.
    let retter = Setup::before(&origin).start();
    let answer = retter.get("/");
    assert!(answer.is_whole() && answer.text() == "0123456789", "{answer:?}");
}

#[test]
fn a_visitor_who_leaves_is_nobodys_failure() {
    let origin = Origin::new().elsewhere(pattern_body(10_000_000));
    let retter = Setup::before(&origin).start();
    for _ in 0..10 {
        let mut line = Line::open(retter.address()).expect("it listens");
        line.write(&get("/").bytes()).expect("sent");
        assert_eq!(line.head().expect("a head").status, 200);
    }
    let before_the_head = Line::open(retter.address()).and_then(|mut line| {
        origin.set("/hang", Behaviour::Hang);
        line.write(&get("/hang").bytes())
    });
    before_the_head.expect("sent");
    let answer = retter.get("/next");
    assert_eq!((answer.status, answer.circuit()), (200, "CLOSED"));
}

#[test]
fn an_event_stream_is_never_kept() {
    let events = ok("data: last\n\n").typed("text/event-stream; charset=utf-8");
    let origin = Origin::new().route("/length", events.clone()).route("/chunks", events.chunked());
    let origin = origin.elsewhere(ok("a page"));
    let retter = Setup::before(&origin).without_breaker().start();
    for path in ["/length", "/chunks", "/page"] {
        assert!(retter.get(path).is_whole(), "{path}");
    }
    retter.wait_for_copies(&["/page"]);
    origin.down();
    for path in ["/length", "/chunks"] {
        assert_eq!(retter.get(path).status, 502, "{path}");
    }
}

#[test]
fn an_answer_without_end_is_left_soon_after_its_reader() {
    let events = ok("data: first\n\n").typed("text/event-stream").chunked();
    let endless = || pattern_body(u64::MAX / 2).chunked();
    let rows: Vec<(&str, Behaviour)> = vec![
        ("events that fall silent", events.ending(Ending::HangAt(13)).into()),
        ("an endless page, slow", endless().slowly(1000, Duration::from_millis(10)).into()),
        ("an endless page, fast", endless().into()),
        ("a page that falls silent", ok("0123456789").ending(Ending::HangAt(5)).into()),
    ];
    for_each_row(&rows, |(name, _)| (*name).to_owned(), |(_, answer)| is_left_soon(answer));
}

fn is_left_soon(answer: &Behaviour) {
    let origin = Origin::new().elsewhere(answer.clone());
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "60").start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&get("/").bytes()).expect("sent");
    assert_eq!(line.head().expect("a head").status, 200);
    assert_eq!(origin.live(), 1);
    drop(line);
    assert!(until(SOON, || origin.live() == 0), "a place in the application is held for nobody");
}

#[test]
fn a_slow_but_moving_reader_of_a_copy_is_not_cut() {
    let origin = Origin::new().elsewhere(pattern_body(COPY));
    let setup = Setup::before(&origin).without_breaker().set("SERVER_TIMEOUT_IDLE", "1");
    let retter = setup.start();
    assert_eq!(retter.get("/").body.len() as u64, COPY);
    retter.wait_for_copies(&["/"]);
    origin.down();
    let mut line = Line::narrow(retter.address()).expect("it listens");
    line.write(&get("/").bytes()).expect("sent");
    let mut length = 0;
    let answer = line.receive(false, |piece| {
        length += piece.len() as u64;
        // 8 MB in four seconds or more.
        thread::sleep(Duration::from_millis(4));
    });
    assert_eq!((answer.retter(), answer.end, length), ("cache", End::Whole, COPY));
}

/// The system takes megabytes for him at once, and asks for more only when a third of it is gone.
#[test]
fn a_steady_reader_is_not_cut_however_much_the_system_holds_for_him() {
    let origin = Origin::new().elsewhere(pattern_body(STEADY));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "2").start();
    let mut line = Line::narrow(retter.address()).expect("it listens");
    line.write(&get("/").bytes()).expect("sent");
    let (mut length, began) = (0, Instant::now());
    let answer = line.receive(false, |piece| {
        length += piece.len() as u64;
        // A third of a megabyte in a second.
        let due = began + Duration::from_micros(length * 3);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    });
    assert_eq!((answer.end, length), (End::Whole, STEADY));
}

#[test]
fn who_does_not_read_does_not_keep_others_pages_from_being_stored() {
    let origin = Origin::new().elsewhere(pattern_body(LARGE));
    let setup = Setup::before(&origin).without_breaker().set("SERVER_TIMEOUT_WRITE", "60");
    let retter = setup.set("CACHE_MAXBODY", "32 MiB").start();
    let deaf: Vec<_> = (0..4)
        .map(|number| {
            let mut line = Line::narrow(retter.address()).expect("it listens");
            line.write(&get(&format!("/deaf/{number}")).bytes()).expect("sent");
            assert_eq!(line.head().expect("a head").status, 200);
            line
        })
        .collect();
    let kept = until(SOON * 3, || {
        assert_eq!(retter.get("/page").body.len() as u64, LARGE);
        String::from_utf8_lossy(&retter.dump().stdout).contains("/page")
    });
    assert!(kept, "the memory for copies in the making is held by those who do not read");
    drop(deaf);
}

fn upload_head(length: u64) -> String {
    format!("POST /up HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {length}\r\n\r\n")
}

fn pieces() -> impl Iterator<Item = Vec<u8>> {
    (0..LONG).step_by(PIECE).map(|start| pattern(start, (LONG - start).min(PIECE as u64) as usize))
}

fn hash_of_pattern() -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    for piece in pieces() {
        hash.update(&piece);
    }
    hash.finalize()
}

fn stays_small(retter: &Retter) {
    // Only Linux tells.
    if let Some(peak) = retter.peak_memory_kb() {
        assert!(peak < 64 * 1024, "{peak} kB");
    }
}

const LONG: u64 = 100 * 1024 * 1024;
const PIECE: usize = 256 * 1024;
/// Below `cache.maxbody`.
const COPY: u64 = 8_000_000;
const STEADY: u64 = 4_000_000;
/// All copies in the making together have 32 MiB.
const LARGE: u64 = 32_000_000;
