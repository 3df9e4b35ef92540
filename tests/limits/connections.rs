//! Connections: a full table says so and lets in the next one that fits.

use crate::support::client::{Answer, Line, get};
use crate::support::origin::{Behaviour, Origin, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

#[test]
fn one_connection_too_many_is_answered_503_and_closed() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = Setup::before(&origin).set("SERVER_MAXCONNECTIONS", 20).start();
    let mut inside = served(&retter, 20);
    for _ in 0..30 {
        is_turned_away(&retter);
    }
    assert!(inside.iter_mut().all(|line| line.send(&get("/")).status == 200), "others go on");
    inside.pop();
    assert!(until(SOON, || retter.get("/").status == 200), "a place that is free is given away");
    assert!(inside.iter_mut().all(|line| line.send(&get("/")).is_whole()), "and from nobody else");
}

#[test]
fn one_client_cannot_take_all_connections() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let setup = Setup::before(&origin).set("SERVER_TRUSTED", "none");
    let retter = setup.set("LIMIT_CLIENT", 5).start();
    let mut inside = served(&retter, 5);
    for _ in 0..10 {
        is_turned_away(&retter);
    }
    let other = asks_from(Ipv4Addr::new(127, 0, 0, 2), retter.address());
    assert!(other.starts_with("HTTP/1.1 200 "), "another address is another client: {other}");
    assert!(inside.iter_mut().all(|line| line.send(&get("/")).status == 200), "others go on");
    inside.pop();
    assert!(until(SOON, || retter.get("/").status == 200), "a place that is free is given away");
}

#[test]
fn a_proxy_in_front_is_not_one_client() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = Setup::before(&origin).set("LIMIT_CLIENT", 5).start();
    served(&retter, 50);
}

#[test]
fn places_come_back_however_a_connection_ended() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = Setup::before(&origin).set("SERVER_MAXCONNECTIONS", 20).start();
    for round in 0..200 {
        let mut talk = crate::support::talk::Talk::open(retter.address());
        talk.say(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..round % 28]);
        if round % 2 == 0 {
            talk.slam();
        }
    }
    assert!(until(SOON, || retter.get("/").status == 200));
    let all_free = until(SOON, || {
        let lines: Vec<_> = (0..20).filter_map(|_| Line::open(retter.address()).ok()).collect();
        lines.into_iter().all(|mut line| line.send(&get("/")).status == 200)
    });
    assert!(all_free);
}

#[test]
fn who_leaves_keeps_his_place_as_long_as_the_application_works_for_him() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let retter = Setup::before(&origin).set("SERVER_MAXCONNECTIONS", 5).start();
    for _ in 0..5 {
        let inside = origin.live();
        let mut talk = crate::support::talk::Talk::open(retter.address());
        talk.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(until(SOON, || origin.live() > inside), "he asks");
        talk.slam();
    }
    is_turned_away(&retter);
    origin.set_all(ok("fine"));
    assert!(until(SOON, || retter.get("/").status == 200), "their calls have ended");
}

#[test]
fn the_systems_soft_limit_on_files_is_raised() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = Setup::before(&origin).files(64, 1024).start();
    served(&retter, 200);
}

#[test]
fn without_files_it_waits_and_goes_on() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let retter = Setup::before(&origin).files(64, 64).set("LOG_FILTER", "info").start();
    let crowd: Vec<_> = (0..150).filter_map(|_| Line::open(retter.address()).ok()).collect();
    std::thread::sleep(Duration::from_millis(500));
    drop(crowd);
    assert!(until(SOON, || retter.get("/").status == 200));
    assert!(!retter.has_panicked());
    let lines = retter.log().lines().count();
    assert!(lines < 100, "it says so, but not {lines} times");
}

/// So many connections, each of which has had an answer.
fn served(retter: &Retter, count: usize) -> Vec<Line> {
    let lines = (0..count).map(|number| {
        let mut line = Line::open(retter.address()).expect("it listens");
        let answer = line.send(&get("/"));
        assert_eq!(answer.status, 200, "{number}: {answer:?}");
        line
    });
    lines.collect()
}

fn is_turned_away(retter: &Retter) {
    let mut line = Line::open(retter.address()).expect("it never stops accepting");
    let answer: Answer = line.send(&get("/"));
    assert!(answer.status == 503 && answer.is_whole(), "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert!(line.some().is_ok_and(|rest| rest.is_empty()) || line.head().is_err(), "still open");
}

/// What a client with this address gets for a request of its own.
fn asks_from(client: Ipv4Addr, to: SocketAddr) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from = SocketAddr::new(IpAddr::V4(client), 0);
    socket.bind(&from.into()).expect("every 127.x.y.z is this machine");
    socket.connect(&to.into()).expect("it listens");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(SOON)).expect("an option every system has");
    stream.write_all(&get("/").header("Connection", "close").bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
