//! The door: a request that could be read in two ways, or that RETTER must not pass on, goes no
//! further; and whoever a request claims to be for, the application and the key hear the same.

use crate::support::client::{Answer, Line, get, post, visit};
use crate::support::for_each_row;
use crate::support::origin::{Origin, Seen, computed, ok};
use crate::support::retter::{Retter, Setup};
use std::net::TcpListener;

#[test]
fn the_application_and_the_key_hear_the_same_host() {
    let origin = Origin::new().elsewhere(computed(page_of_host));
    let retter = before(&origin);
    let answer = ask(&retter, "GET http://other.example/page HTTP/1.0\r\n\r\n");
    assert_eq!(answer.text(), "the page of other.example");
    retter.wait_for_copies(&["http://other.example/page"]);
    origin.down();
    let of = |host: &str| retter.visit(&get("/page").header("Host", host));
    assert_eq!(of("other.example").text(), "the page of other.example");
    for host in ["shop.example", &origin.address().to_string()] {
        assert_eq!(of(host).status, 502, "{host} has no copy");
    }
}

#[test]
fn a_request_that_names_no_host_leaves_no_copy() {
    let origin = Origin::new().elsewhere(computed(page_of_host));
    let retter = before(&origin);
    assert_eq!(ask(&retter, "GET /page HTTP/1.0\r\n\r\n").status, 200);
    retter.get("/known");
    retter.wait_for_copies(&["/known"]);
    origin.down();
    let authority = origin.address().to_string();
    assert_eq!(retter.visit(&get("/page").header("Host", &authority)).status, 502);
    assert_eq!(ask(&retter, "GET /page HTTP/1.0\r\n\r\n").status, 502);
}

#[test]
fn a_request_for_two_hosts_or_none_is_turned_away() {
    let origin = Origin::new().elsewhere(ok("never asked for"));
    let retter = before(&origin);
    for_each_row(
        &[
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
            "GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n",
            "GET http://a:8080/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n",
        ],
        |request| format!("{request:?}"),
        |request| assert_eq!(ask(&retter, request).status, 400),
    );
    assert!(origin.seen().is_empty(), "and the application hears of none");
    assert_eq!(ask(&retter, "GET http://A/ HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
}

#[test]
fn a_tunnel_is_refused_and_never_asked_for() {
    let origin = Origin::new().elsewhere(ok("a tunnel"));
    let retter = before(&origin);
    let address = origin.address().to_string();
    for target in ["shop.example:443", &address] {
        let answer = retter.visit(&visit("CONNECT", target).header("Host", target));
        assert_eq!(answer.status, 405, "{target}");
    }
    assert!(origin.seen().is_empty());
}

#[test]
fn a_base_url_that_leads_back_is_found_at_the_first_request() {
    for trusted in ["loopback", "none"] {
        let port = free_port();
        let retter = Setup::bare()
            .set("SERVER_LISTEN", format!("127.0.0.1:{port}"))
            // One more name of 127.0.0.1, which only the system knows to be one.
            .set("BACKEND_BASEURL", format!("http://127.1:{port}"))
            .set("SERVER_TRUSTED", trusted)
            .start();
        for visit in [get("/page"), post("/order", "x")] {
            assert_eq!(retter.visit(&visit).status, 508, "trusted: {trusted}");
        }
    }
}

fn before(origin: &Origin) -> Retter {
    Setup::before(origin).without_breaker().start()
}

fn page_of_host(seen: &Seen) -> crate::support::origin::Answer {
    ok(format!("the page of {}", seen.header("host").unwrap_or_default()))
}

/// Sends these bytes, as no well-behaved client would.
fn ask(retter: &Retter, request: &str) -> Answer {
    let mut line = Line::open(retter.address()).expect("it listens");
    line.write(request.as_bytes()).expect("sent");
    let mut body = Vec::new();
    let answer = line.receive(false, |piece| body.extend_from_slice(piece));
    Answer { body, ..answer }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
