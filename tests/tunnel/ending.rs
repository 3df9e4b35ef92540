//! How a tunnel ends, and what does not end it.

use super::{CLOSE, TEXT, Visitor, connect, connect_narrow, frame, request};
use crate::support::client::{Line, get};
use crate::support::origin::{Origin, echo, ok, pattern, websocket};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use socket2::SockRef;
use std::io::Write;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn either_side_may_close_it() {
    let closing = || frame(CLOSE, true, &1000u16.to_be_bytes());
    let origin = Origin::new().route(
        "/theirs",
        websocket(|wire| {
            let mut heard = [0; 64];
            let read = wire.read(&mut heard).unwrap_or_default();
            let _ = wire.write(&heard[..read]);
        }),
    );
    let origin = origin.route(
        "/ours",
        websocket(move |wire| {
            let _ = wire.write(&closing());
        }),
    );
    let retter = Setup::before(&origin).start();
    for path in ["/theirs", "/ours"] {
        let mut visitor = Visitor::open(&retter, path);
        if path == "/theirs" {
            visitor.say(closing());
        }
        assert_eq!(visitor.rest(), Some(closing()), "{path}");
        drop(visitor);
        all_are_closed(&retter, &origin);
    }
}

#[test]
fn an_application_that_dies_takes_its_tunnels_with_it() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let retter = Setup::before(&origin).start();
    let mut visitor = Visitor::open(&retter, "/");
    visitor.hears_back(frame(TEXT, true, b"alive"));
    origin.down();
    assert_eq!(visitor.rest(), Some(vec![]));
    drop(visitor);
    assert!(until(SOON, || retter.figure(&["tunnels", "open"]) == 0.0));
}

#[test]
fn a_visitor_who_dies_leaves_nothing_behind() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let retter = Setup::before(&origin).start();
    for reset in [false, true] {
        let mut visitor = Visitor::open(&retter, "/");
        visitor.hears_back(frame(TEXT, true, b"alive"));
        if reset {
            let lingers = SockRef::from(&visitor.stream).set_linger(Some(Duration::ZERO));
            lingers.expect("an option every system has");
        }
        drop(visitor);
        all_are_closed(&retter, &origin);
    }
    assert_eq!(retter.figure(&["tunnels", "all"]), 2.0);
    assert!(!retter.has_panicked() && !retter.breaker_has_changed());
}

#[test]
fn silence_of_both_ends_it_and_talk_of_one_does_not() {
    let origin = Origin::new().route("/silent", websocket(echo));
    let origin = origin.route(
        "/talking",
        websocket(|wire| {
            while wire.write(b".").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        }),
    );
    let retter = Setup::before(&origin).set("TUNNEL_IDLE", "1500ms").start();
    let mut listener = Visitor::open(&retter, "/talking");
    let (mut silent, began) = (Visitor::open(&retter, "/silent"), Instant::now());
    silent.hears_back(b"not yet");
    assert_eq!(silent.rest(), Some(vec![]));
    let lasted = began.elapsed();
    assert!((Duration::from_millis(1450)..SOON).contains(&lasted), "{lasted:?}");
    assert!(until(SOON, || origin.live() == 1), "the application hears of it too");
    listener.hear(20);
    assert_eq!(retter.figure(&["tunnels", "idle"]), 1.0);
    assert_eq!(retter.figure(&["tunnels", "open"]), 1.0);
}

#[test]
fn the_clocks_of_requests_and_answers_do_not_cut_a_silent_tunnel() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let setup = Setup::before(&origin).set("TUNNEL_IDLE", 0);
    let setup = setup.set("SERVER_TIMEOUT_IDLE", "500ms").set("SERVER_TIMEOUT_READ", "500ms");
    let setup = setup.set("SERVER_TIMEOUT_WRITE", "500ms").set("LIMIT_HEAD", "500ms");
    let retter = setup.set("BACKEND_TIMEOUT", "500ms").start();
    let mut visitor = Visitor::open(&retter, "/");
    for _ in 0..2 {
        thread::sleep(Duration::from_millis(1500));
        visitor.hears_back(frame(TEXT, true, b"Still\nhere"));
    }
}

#[test]
fn a_visitor_who_takes_nothing_is_cut() {
    let origin = Origin::new()
        .elsewhere(websocket(|wire| while wire.write(&pattern(0, 256 << 10)).is_ok() {}));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "1").start();
    let visitor = Visitor::ask_by(connect_narrow(retter.address()), &request("/").bytes());
    assert_eq!(visitor.status(), 101);
    let cut = until(SOON, || retter.figure(&["tunnels", "open"]) == 0.0);
    assert!(cut && until(SOON, || origin.live() == 0), "it lasts for ever");
    assert_eq!(retter.figure(&["refused", "write-timeout"]), 1.0);
}

#[test]
fn a_visitor_who_leaves_an_application_that_does_not_read_is_not_kept_for_long() {
    let (say, done) = mpsc::channel::<()>();
    let done = Mutex::new(done);
    let origin = Origin::new().elsewhere(websocket(move |_| {
        // Reads nothing until the test is over.
        let _ = done.lock().expect("no holder panics").recv();
    }));
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "1").start();
    let visitor = Visitor::open(&retter, "/");
    let limit = Some(Duration::from_millis(300));
    visitor.stream.set_write_timeout(limit).expect("an option every system has");
    while (&visitor.stream).write_all(&[0; 64 << 10]).is_ok() {}
    drop(visitor);
    let cut = until(SOON, || retter.figure(&["tunnels", "open"]) == 0.0);
    assert!(cut, "it lasts for ever");
    drop(say);
}

#[test]
fn a_stop_waits_for_tunnels_for_the_grace_and_no_longer() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let mut retter = Setup::before(&origin).set("SERVER_TIMEOUT_GRACESHUT", "3").start();
    let mut visitor = Visitor::open(&retter, "/");
    retter.term();
    assert!(until(SOON, || Line::open(retter.address()).is_err()), "no new visitors are let in");
    visitor.hears_back(frame(TEXT, true, b"one last word"));
    assert!(retter.ended(Duration::from_millis(200)).is_none(), "it waits for the tunnel");
    assert!(retter.ended(SOON).is_some_and(|status| status.success()));
    assert_eq!(visitor.rest(), Some(vec![]));
    assert!(until(SOON, || origin.live() == 0));
}

#[test]
fn a_stop_is_over_when_the_last_tunnel_is() {
    let origin = Origin::new().elsewhere(websocket(echo));
    let mut retter = Setup::before(&origin).set("SERVER_TIMEOUT_GRACESHUT", "60").start();
    let visitor = Visitor::open(&retter, "/");
    retter.term();
    assert!(retter.ended(Duration::from_millis(300)).is_none());
    drop(visitor);
    assert!(retter.ended(SOON).is_some_and(|status| status.success()));
}

#[test]
fn a_tunnel_is_a_connection_as_long_as_it_lasts() {
    let origin = Origin::new().route("/chat", websocket(echo)).elsewhere(ok("a page"));
    for setup in [
        Setup::before(&origin).set("SERVER_MAXCONNECTIONS", 2),
        Setup::before(&origin).set("SERVER_TRUSTED", "none").set("LIMIT_CLIENT", 2),
    ] {
        let retter = setup.start();
        let mut first = Visitor::open(&retter, "/chat");
        let _second = Visitor::open(&retter, "/chat");
        let third = Visitor::ask_by(connect(retter.address()), &get("/").bytes());
        assert_eq!(third.status(), 503, "there is no place for a third");
        first.hears_back(b"and none is taken away");
        drop(first);
        assert!(until(SOON, || retter.get("/").status == 200), "its place is free again");
    }
}

fn all_are_closed(retter: &Retter, origin: &Origin) {
    assert!(until(SOON, || origin.live() == 0), "the application still has it");
    assert!(until(SOON, || retter.figure(&["tunnels", "open"]) == 0.0));
}
