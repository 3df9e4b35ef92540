//! HTTP/2: who takes his answers slowly, and who does not take them.

use crate::support::client::{Line, get};
use crate::support::frames::{
    DATA, END_STREAM, GOAWAY, INITIAL_WINDOW_SIZE, Peer, ping, request, window,
};
use crate::support::origin::{Origin, ok, pattern_body};
use crate::support::retter::{Retter, Setup};
use crate::support::session::{Session, to};
use crate::support::{SOON, until};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_page_whose_end_finds_no_window_holds_a_connection_for_no_longer_than_a_write_may_take() {
    let origin = Origin::new().elsewhere(ok("a small page"));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "700ms").start();
    for room in [0, 1] {
        let mut peer = Peer::greeting(retter.address(), &[(INITIAL_WINDOW_SIZE, room)]);
        let began = Instant::now();
        peer.say(&(0..50).flat_map(request).collect::<Vec<_>>());
        while peer.next().is_some() {}
        let lasted = began.elapsed();
        assert!(
            (Duration::from_millis(600)..Duration::from_secs(5)).contains(&lasted),
            "{lasted:?}"
        );
    }
    assert_eq!(retter.figure(&["refused", "write-timeout"]), 2.0);
}

#[test]
fn answers_to_pings_and_settings_are_no_progress_of_a_page() {
    let origin = Origin::new().elsewhere(ok("a small page"));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "1").start();
    let mut peer = Peer::greeting(retter.address(), &[(INITIAL_WINDOW_SIZE, 1)]);
    peer.say(&request(0));
    assert!(ends_while_pinged(&mut peer), "it lasts for ever");
    assert_eq!(retter.figure(&["refused", "write-timeout"]), 1.0);
}

#[test]
fn pings_do_not_keep_an_idle_connection() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_IDLE", "1").start();
    let mut peer = Peer::greeting(retter.address(), &[]);
    assert!(ends_while_pinged(&mut peer), "it lasts for ever");
    assert_eq!(retter.figure(&["refused", "idle-timeout"]), 1.0);
}

#[test]
fn many_pages_over_a_slow_line_all_come() {
    let origin = Origin::new().elsewhere(pattern_body(PAGE));
    let setup = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "700ms");
    let retter = setup.set("GATE_MODE", "off").start();
    let mut peer = Peer::greeting(retter.address(), &[(INITIAL_WINDOW_SIZE, 1 << 20)]);
    peer.say(&(0..12).flat_map(request).collect::<Vec<_>>());
    let (mut length, mut whole) = (0, 0);
    while whole < 12 {
        let frame = peer.next().unwrap_or_else(|| panic!("cut after {length} bytes"));
        if frame.kind == DATA {
            length += frame.payload.len() as u64;
            whole += u32::from(frame.flags & END_STREAM);
            // 16 KiB in each tenth of a second, for all of them together.
            thread::sleep(Duration::from_micros(100_000 * frame.payload.len() as u64 / (16 << 10)));
            peer.say(&window(0, frame.payload.len().max(1) as u32));
        }
    }
    assert_eq!(length, PAGE * 12);
}

#[test]
fn a_stream_without_a_window_is_left_alone_beside_others_that_move() {
    let origin = Origin::new().elsewhere(ok("fine")).route("/large", pattern_body(10 << 20));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "700ms").start();
    let mut session = Session::plain(retter.address());
    let (response, _upload) = session.open(to("/large").body(()).expect("a request"), true);
    let response = session.wait(response).expect("a head");
    for _ in 0..20 {
        assert_eq!(session.get("/").expect("a reply").text(), "fine");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(until(SOON, || session.is_over()), "nothing moves any more");
    let mut body = response.into_body();
    let error = session.wait(async {
        loop {
            match body.data().await {
                Some(Ok(piece)) => drop(body.flow_control().release_capacity(piece.len())),
                ended => return ended,
            }
        }
    });
    assert!(matches!(error, Some(Err(_))), "never a short body that looks whole");
    assert_eq!(retter.figure(&["refused", "write-timeout"]), 1.0);
}

#[test]
fn a_slow_reader_has_all_of_his_page_when_retter_stops() {
    let origin = Origin::new().elsewhere(pattern_body(PAGES_END));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_GRACESHUT", "30").start();
    let mut peer = slow_reader(&retter);
    assert!(until(SOON, || origin.hits("/") == 1));
    thread::sleep(Duration::from_millis(300));
    retter.term();
    assert_eq!(read_slowly(&mut peer), (PAGES_END, true));
}

#[test]
fn a_slow_reader_has_all_of_his_page_when_his_connection_has_been_idle() {
    let origin = Origin::new().elsewhere(pattern_body(PAGES_END));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_IDLE", "300ms").start();
    let mut peer = slow_reader(&retter);
    assert_eq!(read_slowly(&mut peer), (PAGES_END, true));
    assert_eq!(retter.visit(&get("/health")).status, 200);
}

/// The system takes megabytes for him at once, and asks for more only when a third of it is gone.
#[test]
fn a_steady_reader_is_not_cut_however_much_the_system_holds_for_him() {
    let origin = Origin::new().elsewhere(pattern_body(STEADY));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "2").start();
    let line = Line::narrow(retter.address()).expect("it listens");
    let mut peer = Peer::over(line, &[(INITIAL_WINDOW_SIZE, 16 << 20)]);
    peer.say(&window(0, 16 << 20));
    peer.say(&request(0));
    let (mut length, began) = (0, Instant::now());
    while length < STEADY
        && let Some(frame) = peer.next_of(1, &[DATA])
    {
        length += frame.payload.len() as u64;
        // A third of a megabyte in a second.
        let due = began + Duration::from_micros(length * 3);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    assert_eq!(length, STEADY);
}

/// His system takes little before he has read; his windows are wide.
fn slow_reader(retter: &Retter) -> Peer {
    let line = Line::narrow(retter.address()).expect("it listens");
    let mut peer = Peer::over(line, &[(INITIAL_WINDOW_SIZE, 1 << 20)]);
    peer.say(&window(0, 1 << 20));
    peer.say(&request(0));
    peer
}

/// How much of the page came, and whether its end did.
fn read_slowly(peer: &mut Peer) -> (u64, bool) {
    let mut length = 0;
    while let Some(frame) = peer.next_of(1, &[DATA]) {
        length += frame.payload.len() as u64;
        if frame.flags & END_STREAM != 0 {
            return (length, true);
        }
        thread::sleep(Duration::from_millis(300));
        // As who reads does; it may come after the connection's end.
        peer.say(&window(1, frame.payload.len() as u32));
    }
    (length, false)
}

/// Does the connection end within seconds, for who sends several pings at once and again and again?
fn ends_while_pinged(peer: &mut Peer) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(8) {
        if !peer.say(&ping().repeat(5)) {
            return true;
        }
        thread::sleep(Duration::from_millis(100));
        if peer.next().is_none_or(|frame| frame.kind == GOAWAY) {
            return true;
        }
    }
    false
}

const PAGE: u64 = 64 << 10;
const STEADY: u64 = 4_000_000;
/// Less than the system takes of it at once.
const PAGES_END: u64 = 200 << 10;
