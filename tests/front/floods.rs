//! HTTP/2 as a weapon: a connection that is used as one ends, and others notice nothing.

use crate::support::client::Line;
use crate::support::frames::{
    FIELDS, INITIAL_WINDOW_SIZE, PREFACE, Peer, RST_STREAM, SETTINGS, frame, request, stream,
};
use crate::support::origin::{Behaviour, Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn streams_that_are_opened_and_reset_at_once_end_the_connection() {
    let (origin, retter) = both();
    ends(&retter, &[&flood(5000)]);
    assert!(origin.seen().len() < 300, "{}", origin.seen().len());
}

#[test]
fn streams_that_are_reset_once_they_have_begun_end_it_too() {
    let (origin, retter) = both();
    let pieces: Vec<_> = (0..1000).map(|n| [request(n), reset(n)]).collect();
    let pieces: Vec<_> = pieces.iter().flatten().map(Vec::as_slice).collect();
    let mut line = greeted(&retter);
    let sent = pieces.iter().take_while(|piece| {
        // Long enough for the stream to begin.
        thread::sleep(Duration::from_micros(1500));
        line.write(piece).is_ok()
    });
    let sent = sent.count();
    assert!(sent < 1500, "{sent} were taken");
    assert!(retter.figure(&["refused", "reset-flood"]) >= 1.0);
    assert!(origin.seen().len() < 700);
}

#[test]
fn how_many_resets_there_may_be_is_a_setting() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let retter = Setup::before(&origin).set("LIMIT_RESETS", 3).start();
    let mut line = greeted(&retter);
    for number in 0..100 {
        let written = line.write(&request(number));
        if written.and_then(|()| line.write(&reset(number))).is_err() {
            break;
        }
        // Slowly enough for each stream to begin.
        thread::sleep(Duration::from_millis(5));
    }
    assert!(until(SOON, || retter.figure(&["refused", "reset-flood"]) >= 1.0));
}

#[test]
fn a_client_that_makes_retter_reset_ends_its_connection() {
    let (_origin, retter) = both();
    let mut flood = Vec::new();
    for number in 0..2000 {
        flood.extend_from_slice(&request(number));
        // A window above the largest is an error of its stream (RFC 9113 section 6.9.1).
        flood.extend_from_slice(&frame(8, 0, stream(number), &0x7fff_ffff_u32.to_be_bytes()));
    }
    ends(&retter, &[&flood]);
}

#[test]
fn a_head_without_end_ends_the_connection() {
    let (origin, retter) = both();
    let mut flood = frame(1, 1, 1, &FIELDS);
    let more = frame(9, 0, 1, &[[0x40, 1, b'x', 1, b'y']; 200].concat());
    flood.extend_from_slice(&more.repeat(5000));
    ends(&retter, &[&flood]);
    assert!(origin.seen().is_empty());
}

#[test]
fn pings_and_settings_whose_answers_nobody_reads_take_no_memory() {
    let (_origin, retter) = both();
    let before = retter.resident_memory_kb();
    for flood in [frame(6, 0, 0, &[7; 8]), SETTINGS.to_vec()] {
        let mut line = greeted(&retter);
        line.give_up_writing_after(Duration::from_millis(500)).expect("a socket");
        let flood = flood.repeat(1000);
        let mut taken = 0;
        while taken < 200 << 20 && line.write(&flood).is_ok() {
            taken += flood.len();
        }
        assert!(taken < 200 << 20, "it never stopped reading");
    }
    let grown = retter.resident_memory_kb().zip(before).map(|(now, then)| now.saturating_sub(then));
    assert!(grown.is_none_or(|grown| grown < 20_000), "{grown:?} KB");
    prompt(&retter);
}

#[test]
fn who_asks_for_nothing_and_sends_frames_without_end_is_idle() {
    let (_origin, setup) = with_one_worker();
    let retter = setup.set("SERVER_TIMEOUT_IDLE", 1).start();
    assert!(babbling_ends(four(&retter, 1 << 16), || {}));
    assert_eq!(retter.figure(&["refused", "idle-timeout"]), 4.0);
}

#[test]
fn who_takes_nothing_and_sends_frames_without_end_is_cut() {
    let (_origin, setup) = with_one_worker();
    let retter = setup.set("SERVER_TIMEOUT_WRITE", 1).start();
    let mut peers = four(&retter, 1);
    peers.iter_mut().for_each(|peer| assert!(peer.say(&request(0))));
    assert!(babbling_ends(peers, || {}));
    assert_eq!(retter.figure(&["refused", "write-timeout"]), 4.0);
}

#[test]
fn who_sends_frames_without_end_does_not_hold_up_the_end() {
    let (_origin, setup) = with_one_worker();
    let mut retter = setup.set("SERVER_TIMEOUT_GRACESHUT", 60).start();
    let peers = four(&retter, 1 << 16);
    assert!(babbling_ends(peers, || retter.term()));
    assert!(retter.ended(SOON).is_some());
}

fn both() -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(Behaviour::Hang).route("/fine", ok("fine"));
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "5").without_breaker().start();
    (origin, retter)
}

/// So that there is always more to read than has been read.
fn with_one_worker() -> (Origin, Setup) {
    let origin = Origin::new().elsewhere(ok("a page"));
    let setup = Setup::before(&origin).variable("TOKIO_WORKER_THREADS", 1);
    (origin, setup)
}

fn four(retter: &Retter, window: u32) -> Vec<Peer> {
    let greeting = |_| Peer::greeting(retter.address(), &[(INITIAL_WINDOW_SIZE, window)]);
    (0..4).map(greeting).collect()
}

/// Frames of a kind that nobody knows, which are to be ignored (RFC 9113 section 4.1), are not taken for
/// long. `meanwhile` is done when they have begun to be.
fn babbling_ends(peers: Vec<Peer>, meanwhile: impl FnOnce()) -> bool {
    let frames = &frame(0xee, 0, 0, &[0; 1 << 14]).repeat(16);
    let (began, taken) = (Instant::now(), &AtomicUsize::new(0));
    thread::scope(|scope| {
        for mut peer in peers {
            peer.line.give_up_writing_after(SOON).expect("a socket");
            scope.spawn(move || {
                while began.elapsed() < SOON && peer.say(frames) {
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        assert!(until(SOON, || taken.load(Ordering::Relaxed) >= 32), "it takes nothing");
        meanwhile();
    });
    began.elapsed() < SOON
}

/// The connection ends, soon, and others are served as before.
fn ends(retter: &Retter, pieces: &[&[u8]]) {
    let began = Instant::now();
    let mut line = greeted(retter);
    // It may have ended by then.
    let written: io::Result<()> = pieces.iter().try_for_each(|piece| line.write(piece));
    drop(written);
    while line.some().is_ok_and(|bytes| !bytes.is_empty()) {}
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(!retter.has_panicked());
    prompt(retter);
}

fn prompt(retter: &Retter) {
    let began = Instant::now();
    assert_eq!(retter.get("/health").status, 200);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// Streams that are opened and reset at once.
pub fn flood(count: u32) -> Vec<u8> {
    (0..count).flat_map(|number| [request(number), reset(number)].concat()).collect()
}

pub fn greeted(retter: &Retter) -> Line {
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&[PREFACE, SETTINGS].concat()).expect("it reads");
    line
}

fn reset(number: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream(number), &8u32.to_be_bytes())
}
