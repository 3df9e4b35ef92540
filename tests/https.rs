//! An application behind `https`: its pages, its failures, and what is different on the wire.

mod trust;

use crate::support::client::{End, post};
use crate::support::origin::{Behaviour, Ending, Origin, fail, ok, pattern_body};
use crate::support::retter::{Retter, Setup};
use crate::support::tls::{Authority, For, Front, Handshakes};
use std::path::Path;

const HERE: For = For::Name("127.0.0.1");

/// RETTER before an application with TLS whose CA it knows.
struct Story {
    retter: Retter,
    front: Front,
    authority: Authority,
}

fn before(front: &Front, ca: &Path) -> Setup {
    Setup::before_url(&front.url())
        .set("BACKEND_CA", ca.display())
        .set("BACKEND_TIMEOUT", "1")
        .set("BACKEND_CONNECT", "500ms")
        .set("RETRY_ATTEMPTS", 1)
        .without_breaker()
}

fn story(origin: &Origin) -> Story {
    let authority = Authority::new("the right one");
    let front = Front::before(origin, &authority.signs(HERE));
    Story { retter: before(&front, authority.file()).start(), front, authority }
}

#[test]
fn a_page_comes_over_tls_and_a_failure_is_rescued() {
    let origin = Origin::new().route("/", ok("fresh")).then(fail(503));
    let Story { retter, front, .. } = story(&origin);
    let page = retter.get("/");
    assert_eq!((page.status, page.text().as_str()), (200, "fresh"));
    let page = retter.get("/");
    assert_eq!((page.status, page.retter()), (200, "cache"));
    assert_eq!(front.seen().protocol.as_deref(), Some(&b"http/1.1"[..]));
}

#[test]
fn large_bodies_pass_both_ways() {
    let origin = Origin::new().route("/down", pattern_body(5_000_000)).route("/up", ok("thanks"));
    let Story { retter, front: _front, .. } = story(&origin);
    let page = retter.get("/down");
    assert_eq!((page.status, page.body.len(), page.end), (200, 5_000_000, End::Whole));
    let body = vec![b'x'; 3_000_000];
    assert_eq!(retter.visit(&post("/up", &body)).status, 200);
    assert_eq!(origin.last("/up").body_length, 3_000_000);
}

#[test]
fn one_connection_carries_many_requests() {
    let origin = Origin::new().elsewhere(ok("1"));
    let Story { retter, front, .. } = story(&origin);
    for _ in 0..20 {
        assert_eq!(retter.get("/").status, 200);
    }
    assert_eq!((origin.connections(), front.seen().full), (1, 1));
}

#[test]
fn a_new_connection_resumes_the_session_of_an_earlier_one() {
    let origin = Origin::new().elsewhere(ok("1").header("Connection", "close"));
    for old in [false, true] {
        let Story { retter, front, authority } = story(&origin);
        if old {
            front.speak_as_of_old(&authority.signs(HERE));
        }
        for _ in 0..10 {
            assert_eq!(retter.get("/").status, 200);
        }
        let Handshakes { full, resumed, .. } = front.seen();
        assert_eq!((full, resumed), (1, 9), "TLS 1.2 alone: {old}");
    }
}

#[test]
fn a_kept_connection_that_died_is_replaced_unseen() {
    let origin = Origin::new().elsewhere(ok("1"));
    let Story { retter, front, .. } = story(&origin);
    for rude in [false, true] {
        if rude {
            front.be_rude();
        }
        assert_eq!(retter.get("/").retter(), "backend");
        // The application restarts: in good order, and as if it were killed.
        origin.up();
        front.cut();
        assert_eq!(retter.get("/").retter(), "backend");
    }
    assert!(!retter.breaker_has_changed());
}

/// It was sent, and nothing was heard: a GET is sent once more, a POST may have been an order.
#[test]
fn a_kept_connection_that_dies_under_a_request_costs_a_get_nothing() {
    for rude in [false, true] {
        let origin = Origin::new().route("/", ok("1")).then(Behaviour::Close).then(ok("2"));
        let Story { retter, front, .. } = story(&origin);
        if rude {
            front.be_rude();
        }
        assert_eq!(retter.get("/").text(), "1");
        assert_eq!((retter.get("/").text().as_str(), origin.hits("/")), ("2", 3));
        origin.set("/", Behaviour::Close);
        assert_eq!((retter.visit(&post("/", "order")).status, origin.hits("/")), (502, 4));
    }
}

#[test]
fn an_application_that_is_gone_is_rescued_and_comes_back() {
    let origin = Origin::new().elsewhere(ok("1"));
    let Story { retter, front: _front, .. } = story(&origin);
    assert_eq!(retter.get("/").status, 200);
    origin.down();
    assert_eq!(retter.get("/").retter(), "cache");
    assert_eq!(retter.get("/unknown").status, 502);
    origin.up();
    assert_eq!(retter.get("/").retter(), "backend");
}

#[test]
fn bytes_after_the_end_are_seen_through_tls() {
    let origin = Origin::new().route("/", ok("page").ending(Ending::Extra(b"more".to_vec())));
    // hyper reads 8 KiB at a time, and a record of TLS has 16 KiB at most: what follows them is in
    // TLS, or in the next record.
    for (path, connection, size) in [
        ("/close", "close", 8 << 10),
        ("/kept", "keep-alive", 8 << 10),
        ("/record-close", "close", 16 << 10),
        ("/record-kept", "keep-alive", 16 << 10),
    ] {
        let length = size - 192;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: {connection}\r\nX: "
        );
        let filler = "x".repeat(size - length - 4 - head.len());
        let text = format!("{head}{filler}\r\n\r\n{}more", "y".repeat(length));
        origin.set(path, Behaviour::Raw(text.into_bytes()));
    }
    let Story { retter, front: _front, .. } = story(&origin);
    for path in ["/", "/close", "/kept", "/record-close", "/record-kept"] {
        assert_eq!(retter.get(path).retter(), "no-cache", "{path}");
        origin.set(path, fail(503));
        assert_eq!(retter.get(path).status, 503, "{path}: it was kept");
    }
}

#[test]
fn a_body_that_ends_with_the_connection_is_whole_only_after_a_good_bye() {
    let page = || ok("to the end").close_delimited();
    let origin = Origin::new().elsewhere(page());
    let Story { retter, front, .. } = story(&origin);
    let polite = retter.get("/polite");
    assert_eq!((polite.text().as_str(), polite.end), ("to the end", End::Whole));
    front.be_rude();
    let cut = retter.get("/cut");
    assert!(cut.status == 502 || cut.end != End::Whole, "{cut:?}");
    // Where a length says where the end is, the good-bye adds nothing.
    origin.set_all(ok("whole").header("Connection", "close"));
    let page = retter.get("/length");
    assert_eq!((page.status, page.text().as_str()), (200, "whole"));
}
