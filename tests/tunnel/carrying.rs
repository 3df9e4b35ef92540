//! Bytes are bytes: all of them, both ways, at the pace of who reads them.

use super::{
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Visitor, connect_narrow, frame, request,
};
use crate::support::client::get;
use crate::support::origin::{Origin, Wire, echo, ok, pattern, websocket};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

#[test]
fn frames_of_every_kind_come_back_as_they_were_sent() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let retter = Setup::before(&origin).start();
    let mut visitor = Visitor::open(&retter, "/");
    visitor.hears_back(frame(TEXT, true, "Käse\r\n\r\nGET / HTTP/1.1\n".as_bytes()));
    visitor.hears_back(frame(BINARY, true, &pattern(0, 70_000)));
    visitor.hears_back(frame(TEXT, false, b"in three "));
    visitor.hears_back(frame(PING, true, b"are you there?"));
    visitor.hears_back(frame(CONTINUATION, false, b"pieces, and a ping "));
    visitor.hears_back(frame(CONTINUATION, true, b"between them"));
    visitor.hears_back(frame(PONG, true, b""));
    visitor.hears_back(frame(BINARY, true, &[]));
    visitor.hears_back(frame(CLOSE, true, &1000u16.to_be_bytes()));
}

#[test]
fn a_frame_of_16_megabytes_comes_back_whole() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let retter = Setup::before(&origin).start();
    let mut visitor = Visitor::open(&retter, "/");
    let large = frame(BINARY, true, &pattern(0, 16 << 20));
    let (mut speaker, said) = (visitor.stream.try_clone().expect("a handle"), large.clone());
    let speaking = thread::spawn(move || speaker.write_all(&said).expect("sent"));
    assert!(visitor.hear(large.len()) == large, "something else came back");
    speaking.join().expect("no panic");
    stays_small(&retter);
}

#[test]
fn a_fast_application_waits_for_a_slow_visitor() {
    let origin = Origin::new().elsewhere(websocket(|wire| pour(wire, MUCH)));
    let retter = Setup::before(&origin).start();
    let stream = connect_narrow(retter.address());
    let mut visitor = Visitor::ask_by(stream, &request("/").bytes());
    thread::sleep(Duration::from_secs(1));
    stays_small(&retter);
    for place in (0..MUCH).step_by(PIECE) {
        assert!(visitor.hear(PIECE) == pattern(place as u64, PIECE), "at {place}");
    }
    stays_small(&retter);
}

#[test]
fn a_fast_visitor_waits_for_a_slow_application() {
    let (read_on, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (go, done) = (read_on.clone(), told.clone());
    let origin = Origin::new().elsewhere(websocket(move |wire| {
        assert!(until(SOON, || go.load(Ordering::SeqCst)));
        done.store(is_all_poured(wire, MUCH), Ordering::SeqCst);
    }));
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "10").start();
    let mut visitor = Visitor::open(&retter, "/");
    let speaking = thread::spawn(move || {
        for place in (0..MUCH).step_by(PIECE) {
            visitor.say(pattern(place as u64, PIECE));
        }
        visitor.finish();
        visitor.rest()
    });
    thread::sleep(Duration::from_secs(1));
    assert!(!speaking.is_finished(), "all of it is under way somewhere");
    stays_small(&retter);
    read_on.store(true, Ordering::SeqCst);
    assert_eq!(speaking.join().expect("no panic"), Some(vec![]));
    assert!(told.load(Ordering::SeqCst), "all came in its order");
    stays_small(&retter);
}

#[test]
fn both_may_talk_at_once_without_waiting_for_each_other() {
    let origin = Origin::new().elsewhere(websocket(|wire| {
        thread::scope(|scope| {
            let mut out = wire.twin();
            scope.spawn(move || {
                (0..MUCH).step_by(PIECE).all(|at| out.write_all(&pattern(at as u64, PIECE)).is_ok())
            });
            assert!(is_all_poured(wire, MUCH));
        });
    }));
    let retter = Setup::before(&origin).start();
    let mut visitor = Visitor::open(&retter, "/");
    let mut speaker = visitor.stream.try_clone().expect("a handle");
    let speaking = thread::spawn(move || {
        let mut pieces = (0..MUCH).step_by(PIECE);
        pieces.all(|at| speaker.write_all(&pattern(at as u64, PIECE)).is_ok())
    });
    for place in (0..MUCH).step_by(PIECE) {
        assert!(visitor.hear(PIECE) == pattern(place as u64, PIECE), "at {place}");
    }
    assert!(speaking.join().expect("no panic"));
}

#[test]
fn tunnels_and_pages_do_not_get_in_each_others_way() {
    let origin = Origin::new().route("/chat", websocket(echo)).elsewhere(ok("a page"));
    let retter = Setup::before(&origin).start();
    let mut visitors = [Visitor::open(&retter, "/chat"), Visitor::open(&retter, "/chat")];
    for round in 0..50u8 {
        for (number, visitor) in visitors.iter_mut().enumerate() {
            visitor.hears_back(frame(TEXT, true, &[round, number as u8]));
        }
        assert_eq!(get(&format!("/{round}")).to(retter.address()).text(), "a page");
    }
}

#[test]
fn one_side_may_end_while_the_other_goes_on() {
    let origin = Origin::new().route(
        "/last-word",
        websocket(|wire| {
            let mut heard = Vec::new();
            let mut piece = [0; 64];
            while let Ok(read @ 1..) = wire.read(&mut piece) {
                heard.extend_from_slice(&piece[..read]);
            }
            thread::sleep(Duration::from_millis(200));
            let _ = wire.write(&heard.repeat(2));
        }),
    );
    let origin = origin.route(
        "/first-word",
        websocket(|wire| {
            wire.finish();
            let mut piece = [0; 64];
            let read = wire.read(&mut piece).unwrap_or_default();
            assert_eq!(&piece[..read], b"still here");
        }),
    );
    let retter = Setup::before(&origin).start();
    let mut visitor = Visitor::open(&retter, "/last-word");
    visitor.say(b"goodbye");
    visitor.finish();
    assert_eq!(visitor.rest().as_deref(), Some(&b"goodbyegoodbye"[..]));
    let mut visitor = Visitor::open(&retter, "/first-word");
    assert_eq!(visitor.rest(), Some(vec![]), "the application has ended");
    assert_eq!(retter.figure(&["tunnels", "open"]), 1.0, "and the visitor has not");
    visitor.say(b"still here");
    visitor.finish();
    assert!(until(SOON, || retter.figure(&["tunnels", "open"]) == 0.0));
}

/// Says so many bytes of the pattern as fast as they are taken.
fn pour(wire: &mut Wire<'_>, length: usize) {
    (0..length).step_by(PIECE).all(|place| wire.write(&pattern(place as u64, PIECE)).is_ok());
}

fn is_all_poured(wire: &mut Wire<'_>, length: usize) -> bool {
    let (mut hash, mut expected) = (blake3::Hasher::new(), blake3::Hasher::new());
    let (mut read, mut piece) = (0, vec![0; PIECE]);
    while read < length {
        match wire.read(&mut piece) {
            Ok(more @ 1..) => {
                hash.update(&piece[..more]);
                read += more;
            }
            _ => return false,
        }
    }
    for place in (0..length).step_by(PIECE) {
        expected.update(&pattern(place as u64, PIECE));
    }
    read == length && hash.finalize() == expected.finalize()
}

fn stays_small(retter: &Retter) {
    // Only Linux tells.
    if let Some(peak) = retter.peak_memory_kb() {
        assert!(peak < 64 * 1024, "{peak} kB");
    }
}

const MUCH: usize = 64 << 20;
const PIECE: usize = 256 << 10;
