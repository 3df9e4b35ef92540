//! What goes from end to end goes as it came; what belongs to one hop stays on it.

use crate::support::client::{Line, get, head, post, raw};
use crate::support::origin::{Behaviour, Origin, answer, ok, pattern};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

#[test]
fn repeated_headers_keep_their_order_in_both_directions() {
    let page = ok("1").header("X-A", "1").header("Set-Cookie", "a=1").header("X-A", "2");
    let origin = Origin::new().elsewhere(page.header("Set-Cookie", "b=2").header("X-A", "3"));
    let retter = before(&origin);
    let visit = get("/").header("X-B", "1").header("Accept", "a/b").header("X-B", "2");
    let answer = retter.visit(&visit.header("X-B", "3"));
    assert_eq!(answer.all("x-a"), ["1", "2", "3"]);
    assert_eq!(answer.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(values(&origin, "x-b"), ["1", "2", "3"]);
    assert_eq!(values(&origin, "accept"), ["a/b"]);
}

#[test]
fn the_application_sees_the_name_the_visitor_used() {
    let origin = Origin::new().elsewhere(ok("1"));
    before(&origin).visit(&get("/").header("Host", "Shop.Example:8443"));
    assert_eq!(values(&origin, "host"), ["Shop.Example:8443"]);
}

#[test]
fn the_bytes_of_the_target_are_not_touched() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    for target in [
        "/",
        "/?",
        "//double//slashes/",
        "/%7Euser/%2Fslash/%2fslash",
        "/a/../b/./c",
        "/q?a=1&&b==2;c=%zz&d+e?f/g",
        "/;jsessionid=0123?PHPSESSID=4567",
        "/!$&'()*+,;=:@-._~",
    ] {
        assert_eq!(retter.get(target).status, 200, "{target}");
        assert_eq!(origin.seen().last().map(|seen| seen.target()).as_deref(), Some(target));
    }
}

#[test]
fn a_path_in_the_base_url_comes_first() {
    let origin = Origin::new().elsewhere(ok("1"));
    let base = format!("{}/app/", origin.url());
    let retter = Setup::before(&origin).set("BACKEND_BASEURL", base).start();
    retter.get("/page?q=1");
    assert_eq!(origin.last("/app/page").target(), "/app/page?q=1");
}

#[test]
fn what_belongs_to_one_hop_stays_on_it() {
    let page = ok("1").header("Keep-Alive", "timeout=5").header("Connection", "X-Hop");
    let origin = Origin::new().elsewhere(page.header("X-Hop", "1").header("X-End", "1"));
    let visit = get("/")
        .header("Connection", "keep-alive, x-MINE, Upgrade, HTTP2-Settings")
        .header("X-Mine", "1")
        .header("Keep-Alive", "300")
        .header("Proxy-Connection", "keep-alive")
        .header("TE", "trailers, deflate")
        .header("Upgrade", "h2c")
        .header("HTTP2-Settings", "AAMAAABk")
        .header("X-Yours", "1");
    let retter = before(&origin);
    let mut line = Line::open(retter.address()).expect("it listens");
    let answer = line.send(&visit);
    assert_eq!(answer.status, 200, "h2c is taken off and the request goes on");
    for gone in ["x-mine", "keep-alive", "proxy-connection", "upgrade", "http2-settings"] {
        assert_eq!(values(&origin, gone), [""; 0], "{gone}");
    }
    assert!(!values(&origin, "te").join(",").contains("deflate"));
    assert_eq!(values(&origin, "x-yours"), ["1"]);
    assert_eq!((answer.header("x-hop"), answer.header("keep-alive")), (None, None));
    assert_eq!(answer.header("x-end"), Some("1"));
}

#[test]
fn a_connection_list_cannot_remove_what_protects_somebody() {
    let origin = Origin::new().elsewhere(ok("1"));
    let visit = get("/").header("Connection", "Host, Cookie, Authorization, X-Forwarded-For, Via");
    let visit = visit.cookie("PHPSESSID=1").header("Authorization", "Bearer 1");
    before(&origin).visit(&visit);
    for (name, value) in [("host", "shop.example"), ("cookie", "PHPSESSID=1")] {
        assert_eq!(values(&origin, name), [value]);
    }
    assert_eq!(values(&origin, "authorization"), ["Bearer 1"]);
    assert!(!values(&origin, "via").is_empty() && !values(&origin, "x-forwarded-for").is_empty());
}

#[test]
fn the_application_learns_who_asks_and_how() {
    let origin = Origin::new().elsewhere(ok("1"));
    before(&origin).get("/");
    assert!(values(&origin, "x-forwarded-for").join(",").ends_with("127.0.0.1"));
    assert_eq!(values(&origin, "x-forwarded-proto"), ["http"]);
    assert_eq!(values(&origin, "x-forwarded-host"), ["shop.example"]);
    assert!(values(&origin, "via").join(",").contains("1.1 "));
}

#[test]
fn what_a_stranger_claims_about_his_way_is_not_passed_on() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = Setup::before(&origin).set("SERVER_TRUSTED", "none").start();
    let claims = get("/").header("Via", "1.1 a-lie").header("Forwarded", "for=a-lie");
    let names = ["X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"];
    let more = ["X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Ssl", "X-Forwarded-Server"];
    let names = [names, more].concat();
    retter.visit(&names.iter().fold(claims, |visit, name| visit.header(name, "a-lie")));
    let head = String::from_utf8_lossy(&origin.last("/").head).into_owned();
    assert!(!head.contains("a-lie"), "{head}");
    assert_eq!(values(&origin, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values(&origin, "x-forwarded-host"), ["shop.example"]);
    assert_eq!(values(&origin, "via").len(), 1);
}

#[test]
fn announced_trailers_pass_to_who_asks_for_them() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                  4\r\nbody\r\n0\r\nX-Sum: 5eed\r\n\r\n";
    let origin = Origin::new().elsewhere(Behaviour::Raw(answer.into()));
    let retter = before(&origin);
    let asked = get("/").header("TE", "trailers").header("Connection", "TE, close");
    let came = String::from_utf8_lossy(&raw(retter.address(), &asked.bytes())).to_lowercase();
    assert!(came.contains("\r\n0\r\nx-sum: 5eed\r\n\r\n"), "{came}");
    assert_eq!(values(&origin, "te"), ["trailers"]);
    let plain = get("/").header("Connection", "close").bytes();
    let came = String::from_utf8_lossy(&raw(retter.address(), &plain)).to_lowercase();
    assert!(came.ends_with("\r\n0\r\n\r\n"), "who did not ask gets none: {came}");
}

#[test]
fn names_that_pass_for_others_are_dropped() {
    let origin = Origin::new().elsewhere(ok("1"));
    before(&origin).visit(&get("/").header("X_Forwarded_For", "10.0.0.1").header("X-Ok-1", "1"));
    assert_eq!(values(&origin, "x_forwarded_for"), [""; 0]);
    assert_eq!(values(&origin, "x-ok-1"), ["1"]);
}

#[test]
fn only_codings_we_can_take_off_again_are_asked_for() {
    let origin = Origin::new().elsewhere(ok("1"));
    before(&origin).visit(&get("/").header("Accept-Encoding", "sdch, gzip;q=0.8, exi"));
    let asked = values(&origin, "accept-encoding").join(",");
    assert!(asked.contains("gzip") && !asked.contains("sdch") && !asked.contains("exi"), "{asked}");
}

#[test]
fn what_the_application_calls_itself_in_our_headers_is_dropped() {
    let lie = ok("1").header("X-Retter", "cache").header("X-Circuit", "OPEN");
    let origin = Origin::new().elsewhere(lie);
    let retter = before(&origin);
    let page = retter.get("/");
    assert_eq!((page.all("x-retter"), page.all("x-circuit")), (vec!["backend"], vec!["CLOSED"]));
    for other in [retter.visit(&post("/", "x")), retter.visit(&head("/"))] {
        assert_eq!((other.header("x-retter"), other.header("x-circuit")), (None, None));
    }
}

#[test]
fn bodies_of_other_methods_arrive_as_they_were_sent() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = before(&origin);
    let body = pattern(0, 300_000);
    assert_eq!(retter.visit(&post("/length", &body)).text(), "thanks");
    assert_eq!(origin.last("/length").body, body);
    let mut line = Line::open(retter.address()).expect("it listens");
    let chunked = "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    line.write(chunked.as_bytes()).expect("sent");
    line.write(b"5\r\nthe b\r\n3;x=1\r\nody\r\n0\r\n\r\n").expect("sent");
    assert_eq!(line.receive(false, |_| {}).status, 200);
    assert_eq!(origin.last("/chunks").body, b"the body");
}

#[test]
fn a_client_that_waits_to_be_told_to_continue_is_told() {
    let origin = Origin::new().elsewhere(ok("thanks"));
    let retter = before(&origin);
    let mut stream = TcpStream::connect(retter.address()).expect("it listens");
    let patience = stream.set_read_timeout(Some(SOON));
    patience.expect("an option every system has");
    let head = "POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let mut line = String::new();
    let answered = BufReader::new(&stream).read_line(&mut line);
    assert!(answered.is_ok() && line.starts_with("HTTP/1.1 100 "), "{line}");
    stream.write_all(b"body").expect("sent");
    assert!(until(SOON, || origin.hits("/up") == 1 && origin.last("/up").body == b"body"));
}

#[test]
fn connections_to_the_application_are_reused() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    for number in 0..100 {
        assert_eq!(retter.get(&format!("/{number}")).status, 200);
    }
    assert!(origin.connections() <= 2, "{}", origin.connections());
}

#[test]
fn a_connection_that_died_in_between_is_no_failure() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    for _ in 0..10 {
        assert_eq!(retter.get("/").retter(), "backend");
        // A restart of the application: every kept connection is dead.
        origin.down();
        origin.up();
    }
}

#[test]
fn a_request_that_dies_on_a_used_connection_is_sent_once_more() {
    let origin = Origin::new().route("/first", ok("1"));
    let origin = origin.route("/second", Behaviour::Close).then(ok("2"));
    let retter = before(&origin);
    assert_eq!(retter.get("/first").status, 200);
    assert_eq!((retter.get("/second").text().as_str(), origin.hits("/second")), ("2", 2));
}

#[test]
fn visitors_can_reuse_their_connection_whatever_they_get() {
    let origin = Origin::new().route("/404", answer(404, "none")).elsewhere(ok("1"));
    let retter = before(&origin);
    let mut line = Line::open(retter.address()).expect("it listens");
    for (target, status) in [("/", 200), ("/404", 404), ("/", 200)] {
        assert_eq!(line.send(&get(target)).status, status);
    }
    origin.down();
    assert_eq!(line.send(&get("/new")).status, 502);
    origin.up();
    assert_eq!(line.send(&get("/newer")).status, 200);
}

fn before(origin: &Origin) -> Retter {
    Setup::before(origin).start()
}

/// Every value of a header in the last request, in order.
fn values(origin: &Origin, name: &str) -> Vec<String> {
    origin.seen().last().map(|seen| seen.all(name)).unwrap_or_default()
}
