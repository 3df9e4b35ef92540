//! HTTP/2: what is too much, and what is too slow.

use crate::support::client::Line;
use crate::support::frames::{GOAWAY, PREFACE, SETTINGS, kinds};
use crate::support::origin::{Behaviour, Origin, ok, pattern_body};
use crate::support::retter::Setup;
use crate::support::session::{Session, read, to};
use crate::support::{SOON, until};
use http::StatusCode;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_list_of_fields_over_16_kib_and_too_many_of_them_are_answered_431() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let large = to("/").header("x-large", "a".repeat(17 << 10)).body(vec![]).expect("a request");
    let refused = session.send(large);
    assert!(refused.as_ref().map_or(true, |reply| reply.status == 431), "{refused:?}");
    let many = (0..150).fold(to("/"), |request, n| request.header(format!("x-{n}"), "1"));
    let reply = session.send(many.body(vec![]).expect("a request")).expect("a reply");
    assert_eq!(reply.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let crumbs = (0..150).fold(to("/"), |request, n| request.header("cookie", format!("c{n}=1")));
    let reply = session.send(crumbs.body(vec![]).expect("a request")).expect("a reply");
    assert_eq!(reply.status, StatusCode::OK, "crumbs are one field");
    let long = to(&format!("/{}", "a".repeat(9000))).body(vec![]).expect("a request");
    assert_eq!(session.send(long).expect("a reply").status, StatusCode::URI_TOO_LONG);
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn no_more_streams_are_open_than_the_operator_says() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let setup = Setup::before(&origin).set("LIMIT_STREAMS", 3).set("GATE_MODE", "off");
    let retter = setup.set("BACKEND_TIMEOUT", "15").start();
    let mut session = Session::plain(retter.address());
    // Until the first answer a client does not know how many it may open.
    session.get("/health").expect("a reply");
    let requests: Vec<_> = (0..9).map(|_| to("/").body(vec![]).expect("a request")).collect();
    thread::scope(|scope| {
        let replies = scope.spawn(|| session.send_all(requests));
        assert!(until(SOON, || origin.seen().len() == 3));
        thread::sleep(Duration::from_millis(200));
        assert_eq!(origin.seen().len(), 3);
        origin.set_all(ok("1"));
        let replies = replies.join().expect("no panic");
        assert!(replies.into_iter().all(|reply| reply.is_ok_and(|it| it.status == 200)));
    });
}

#[test]
fn a_connection_without_streams_is_told_to_go_and_one_with_a_stream_is_not() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let setup = Setup::before(&origin).set("SERVER_TIMEOUT_IDLE", "500ms");
    let retter = setup.set("BACKEND_TIMEOUT", "15").start();
    let mut busy = Session::plain(retter.address());
    let (response, _upload) = busy.open(to("/").body(()).expect("a request"), true);
    let idle = Session::plain(retter.address());
    let began = Instant::now();
    assert!(idle.ended().is_ok(), "GOAWAY, and no error");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    thread::sleep(Duration::from_secs(1));
    assert!(!busy.is_over());
    origin.set_all(ok("late"));
    assert_eq!(busy.wait(read(response)).expect("a reply").text(), "late");
    let ended = Instant::now();
    assert!(busy.ended().is_ok());
    assert!(ended.elapsed() < Duration::from_secs(4));
    assert_eq!(retter.figure(&["refused", "idle-timeout"]), 2.0);
}

#[test]
fn an_idle_connection_that_agrees_to_nothing_is_cut() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_IDLE", "500ms").start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&[PREFACE, SETTINGS].concat()).expect("it reads");
    let (began, mut came) = (Instant::now(), Vec::new());
    while let Ok(bytes) = line.some()
        && !bytes.is_empty()
    {
        came.extend_from_slice(&bytes);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(kinds(&came).contains(&GOAWAY), "it was told: {came:?}");
}

#[test]
fn who_has_been_idle_for_long_is_told_when_retter_stops() {
    let origin = Origin::new();
    let mut retter = Setup::before(&origin).start();
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(&[PREFACE, SETTINGS].concat()).expect("it reads");
    thread::sleep(Duration::from_millis(1500));
    retter.term();
    let mut came = Vec::new();
    while let Ok(bytes) = line.some()
        && !bytes.is_empty()
    {
        came.extend_from_slice(&bytes);
    }
    assert!(kinds(&came).contains(&GOAWAY), "{came:?}");
    assert!(retter.ended(SOON).is_some(), "nobody waits for his agreement for long");
}

#[test]
fn a_slow_reader_who_moves_is_not_cut() {
    let origin = Origin::new().elsewhere(pattern_body(400 << 10));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_WRITE", "700ms").start();
    let mut session = Session::plain(retter.address());
    let (response, _upload) = session.open(to("/").body(()).expect("a request"), true);
    let mut body = session.wait(response).expect("a head").into_body();
    let mut length = 0;
    session.wait(async {
        while let Some(piece) = body.data().await {
            let piece = piece.expect("more of it");
            length += piece.len();
            tokio::time::sleep(Duration::from_millis(100)).await;
            body.flow_control().release_capacity(piece.len()).expect("a window");
        }
    });
    assert_eq!(length, 400 << 10);
}

#[test]
fn a_body_that_falls_silent_is_answered_408() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).set("SERVER_TIMEOUT_READ", "500ms").start();
    let mut session = Session::plain(retter.address());
    let request = to("/").method("POST").header("content-length", "10").body(()).expect("one");
    let (response, mut upload) = session.open(request, false);
    upload.send_data("half".into(), false).expect("sent");
    let reply = session.wait(read(response)).expect("a reply");
    assert_eq!(reply.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(retter.figure(&["refused", "read-timeout"]), 1.0);
    assert_eq!(session.get("/").expect("a reply").status, StatusCode::OK);
}

#[test]
fn connections_are_counted_as_ever() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).set("SERVER_MAXCONNECTIONS", 2).start();
    let mut first = Session::plain(retter.address());
    let mut second = Session::plain(retter.address());
    assert_eq!(first.get("/").expect("a reply").status, StatusCode::OK);
    assert_eq!(second.get("/").expect("a reply").status, StatusCode::OK);
    assert_eq!(retter.get("/").status, 503);
    drop(second);
    assert!(until(SOON, || retter.get("/").status == 200));
}

#[test]
fn connections_of_one_client_are_counted_as_ever() {
    let origin = Origin::new().elsewhere(ok("1"));
    let setup = Setup::before(&origin).set("LIMIT_CLIENT", 2).set("SERVER_TRUSTED", "none");
    let retter = setup.start();
    let mut sessions = [Session::plain(retter.address()), Session::plain(retter.address())];
    for session in &mut sessions {
        assert_eq!(session.get("/").expect("a reply").status, StatusCode::OK);
    }
    assert_eq!(retter.get("/").status, 503);
    drop(sessions);
    assert!(until(SOON, || retter.get("/").status == 200));
}

#[test]
fn a_body_over_its_limit_is_413_whether_its_length_was_said_or_not() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = Setup::before(&origin).set("LIMIT_BODY", 1000).start();
    let mut session = Session::plain(retter.address());
    let mut post = |length: usize, is_said: bool| {
        let request = to("/").method("POST");
        let request = if is_said { request.header("content-length", length) } else { request };
        session.send(request.body(vec![b'x'; length]).expect("a request")).expect("a reply").status
    };
    for is_said in [true, false] {
        assert_eq!(post(1000, is_said), StatusCode::OK);
        assert_eq!(post(1001, is_said), StatusCode::PAYLOAD_TOO_LARGE, "{is_said}");
        assert_eq!(post(300_000, is_said), StatusCode::PAYLOAD_TOO_LARGE, "{is_said}");
        assert_eq!(post(1000, is_said), StatusCode::OK, "the connection goes on");
    }
    assert!(origin.seen().iter().all(|seen| !seen.whole || seen.body_length == 1000));
}

/// hyper says no 100 in HTTP/2, so the client sends after a while and the application does not wait.
#[test]
fn who_waits_to_be_told_to_continue_sends_in_the_end() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "5").start();
    let mut session = Session::plain(retter.address());
    let request = to("/up").method("POST").header("expect", "100-continue");
    let request = request.header("content-length", "4").body(()).expect("a request");
    let (response, mut upload) = session.open(request, false);
    assert!(until(SOON, || origin.hits("/up") == 1));
    assert_eq!(origin.last("/up").header("expect"), None);
    upload.send_data("body".into(), true).expect("sent");
    let reply = session.wait(read(response)).expect("a reply");
    assert_eq!(
        (reply.text().as_str(), origin.last("/up").body.as_slice()),
        ("thanks", &b"body"[..])
    );
    let other = to("/").header("expect", "something").body(vec![]).expect("a request");
    assert_eq!(session.send(other).expect("a reply").status, StatusCode::EXPECTATION_FAILED);
}
