//! HTTP/2 by prior knowledge: what holds of HTTP/1.1 holds here.

use crate::support::client::{get, head};
use crate::support::origin::{Behaviour, Origin, computed, ok, pattern, pattern_body};
use crate::support::retter::Setup;
use crate::support::session::{Session, read, to};
use crate::support::{SOON, until};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::thread;
use std::time::Duration;

#[test]
fn pages_come_and_copies_when_the_application_is_gone() {
    let origin = Origin::new().elsewhere(ok("the page").header("Keep-Alive", "timeout=5"));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let fresh = session.get("/page").expect("a reply");
    assert_eq!((fresh.status, fresh.text().as_str()), (StatusCode::OK, "the page"));
    assert_eq!((fresh.retter(), fresh.header("content-length")), ("backend", Some("8")));
    origin.down();
    let copy = session.get("/page").expect("a reply");
    assert_eq!((copy.retter(), copy.text().as_str()), ("cache", "the page"));
    assert_eq!(session.get("/other").expect("a reply").status, StatusCode::BAD_GATEWAY);
    for reply in [fresh, copy] {
        for name in ["connection", "keep-alive", "transfer-encoding", "upgrade"] {
            assert_eq!(reply.header(name), None);
        }
    }
    assert_eq!(retter.get("/page").text(), "the page", "one copy for both versions");
}

#[test]
fn the_application_sees_one_host_and_one_cookie() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let crumbs = to("/a?b=c%2F").header("cookie", "PHPSESSID=1").header("cookie", "theme=dark");
    session.send(crumbs.body(vec![]).expect("a request")).expect("a reply");
    let seen = origin.last("/a");
    assert_eq!(seen.target(), "/a?b=c%2F");
    assert_eq!(seen.header("host").as_deref(), Some("shop.example"));
    let cookies: Vec<_> = seen.lines().into_iter().filter(|l| l.starts_with("cookie")).collect();
    assert_eq!(cookies, ["cookie: PHPSESSID=1; theme=dark"]);
}

#[test]
fn crumbs_and_a_whole_cookie_are_one_visitor() {
    let origin = Origin::new().elsewhere(ok("his own"));
    let retter = Setup::before(&origin).start();
    retter.visit(&get("/cart").cookie("PHPSESSID=1; other=2"));
    origin.down();
    let mut session = Session::plain(retter.address());
    let mut ask = |session_id: &str| {
        let request = to("/cart").header("cookie", "other=2").header("cookie", session_id);
        session.send(request.body(vec![]).expect("a request")).expect("a reply")
    };
    assert_eq!(ask("PHPSESSID=1").text(), "his own");
    assert_eq!(ask("PHPSESSID=2").status, StatusCode::BAD_GATEWAY);
}

#[test]
fn authority_and_host_must_agree() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let mut ask = |host: &str| {
        let request = to("/").header("host", host).body(vec![]).expect("a request");
        session.send(request).expect("a reply").status
    };
    assert_eq!(ask("Shop.Example"), StatusCode::OK);
    assert_eq!(ask("other.example"), StatusCode::BAD_REQUEST);
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn a_get_with_a_body_of_untold_length_is_never_kept() {
    let origin = Origin::new().elsewhere(ok("for this body"));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let request = to("/search").body(b"{\"q\": 1}".to_vec()).expect("a request");
    assert_eq!(session.send(request).expect("a reply").text(), "for this body");
    assert_eq!(origin.last("/search").body, b"{\"q\": 1}");
    origin.down();
    assert_eq!(session.get("/search").expect("a reply").status, StatusCode::BAD_GATEWAY);
}

#[test]
fn megabytes_go_both_ways_unharmed() {
    let origin = Origin::new().elsewhere(pattern_body(MEGABYTE));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let sent = pattern(0, MEGABYTE as usize);
    let request = to("/up").method("POST").body(sent.clone()).expect("a request");
    let reply = session.send(request).expect("a reply");
    assert!(reply.body == sent, "{} bytes came", reply.body.len());
    let seen = origin.last("/up");
    assert_eq!(seen.body_length, MEGABYTE);
    assert_eq!(seen.body_hash.finalize(), blake3::hash(&sent));
}

#[test]
fn trailers_pass() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
        4\r\ndata\r\n0\r\nX-Sum: 42\r\n\r\n";
    let origin = Origin::new().elsewhere(Behaviour::Raw(chunked.to_vec()));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let request = to("/").method("POST").header("te", "trailers").header("trailer", "x-check");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-check", HeaderValue::from_static("7"));
    let request = request.body(b"sent".to_vec()).expect("a request");
    let reply = session.send_with(request, trailers).expect("a reply");
    assert_eq!(reply.body, b"data");
    assert_eq!(reply.trailers.expect("trailers")["x-sum"], "42");
    let seen = origin.last("/");
    assert_eq!((seen.body.as_slice(), seen.trailers), (&b"sent"[..], vec!["x-check: 7".into()]));
}

#[test]
fn a_head_says_what_the_get_would() {
    let origin = Origin::new().elsewhere(ok("twelve bytes"));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let request = || to("/").method("HEAD").body(vec![]).expect("a request");
    let reply = session.send(request()).expect("a reply");
    assert_eq!((reply.header("content-length"), reply.body.len()), (Some("12"), 0));
    session.get("/").expect("a copy");
    origin.down();
    let copy = session.send(request()).expect("a reply");
    let expected = retter.visit(&head("/"));
    assert_eq!(copy.header("content-length"), expected.header("content-length"));
    assert_eq!((copy.status, copy.body.len()), (StatusCode::OK, 0));
}

#[test]
fn a_head_of_unknown_length_says_nothing_of_one() {
    let bare = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let origin = Origin::new().elsewhere(Behaviour::Raw(bare.as_bytes().to_vec()));
    let retter = Setup::before(&origin).start();
    let request = to("/").method("HEAD").body(vec![]).expect("a request");
    let reply = Session::plain(retter.address()).send(request).expect("a reply");
    assert_eq!(reply.header("content-length"), None);
}

#[test]
fn a_hundred_streams_are_served_at_once() {
    let origin = Origin::new().elsewhere(Behaviour::Hang);
    let setup = Setup::before(&origin).set("GATE_MODE", "off").set("BACKEND_TIMEOUT", "15");
    let retter = setup.start();
    let mut session = Session::plain(retter.address());
    let requests = (0..100).map(|n| to(&format!("/{n}")).body(vec![]).expect("a request"));
    let requests = requests.collect();
    let replies = thread::scope(|scope| {
        let replies = scope.spawn(|| session.send_all(requests));
        assert!(until(SOON, || origin.seen().len() == 100), "{}", origin.seen().len());
        origin.set_all(computed(|seen| ok(seen.path())));
        replies.join().expect("no panic")
    });
    for (number, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.expect("a reply").text(), format!("/{number}"));
    }
}

#[test]
fn an_answer_that_breaks_off_is_an_error_of_its_stream() {
    let origin = Origin::new().elsewhere(ok("fine"));
    let origin = origin.route("/length", pattern_body(200_000).truncated(150_000));
    let origin = origin.route("/chunks", pattern_body(200_000).chunked().truncated(150_000));
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    for path in ["/length", "/chunks"] {
        let error = session.get(path).expect_err("it broke off");
        assert!(error.is_reset(), "{error}");
    }
    assert_eq!(session.get("/").expect("the connection goes on").text(), "fine");
}

#[test]
fn who_leaves_one_stream_leaves_no_other() {
    let origin = Origin::new().elsewhere(ok("fine")).route("/slow", Behaviour::Hang);
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let (response, mut upload) = session.open(to("/slow").body(()).expect("a request"), true);
    assert!(until(SOON, || origin.hits("/slow") == 1));
    upload.send_reset(h2::Reason::CANCEL);
    assert!(session.wait(read(response)).is_err());
    assert_eq!(session.get("/").expect("a reply").text(), "fine");
}

#[test]
fn connect_is_refused_and_health_is_told() {
    let origin = Origin::new();
    let retter = Setup::before(&origin).start();
    let mut session = Session::plain(retter.address());
    let health = session.get("/health").expect("a reply");
    assert_eq!(health.header("content-type"), Some("application/json"));
    let connect = http::Request::connect("shop.example:443").body(vec![]).expect("a request");
    let reply = session.send(connect);
    assert!(reply.is_err() || reply.is_ok_and(|it| it.status == StatusCode::METHOD_NOT_ALLOWED));
    assert!(origin.seen().is_empty());
}

#[test]
fn running_streams_end_before_retter_does_and_new_ones_are_not_taken() {
    let origin = Origin::new().route("/slow", Behaviour::Hang);
    let mut retter = Setup::before(&origin).set("BACKEND_TIMEOUT", "15").start();
    let mut session = Session::plain(retter.address());
    let (response, _upload) = session.open(to("/slow").body(()).expect("a request"), true);
    let idle = Session::plain(retter.address());
    assert!(until(SOON, || origin.hits("/slow") == 1));
    retter.term();
    assert_eq!(idle.ended().err().and_then(|error| error.reason()), None, "it ended in order");
    thread::sleep(Duration::from_millis(300));
    assert!(session.get("/late").is_err(), "GOAWAY was said");
    assert!(retter.ended(Duration::ZERO).is_none(), "it waits for the stream");
    origin.set("/slow", ok("finished"));
    assert_eq!(session.wait(read(response)).expect("a reply").text(), "finished");
    assert_eq!(retter.ended(SOON).and_then(|status| status.code()), Some(0));
}

const MEGABYTE: u64 = 1 << 20;
