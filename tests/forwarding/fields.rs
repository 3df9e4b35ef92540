//! Header fields, byte for byte where they go on.

use super::{asked, before, holds, say};
use crate::support::client::{get, post, raw};
use crate::support::origin::{Behaviour, Origin, answer, ok};
use crate::support::retter::Setup;
use crate::support::session::{Session, to};

#[test]
fn values_that_are_no_text_pass_in_both_directions() {
    for value in [&b"caf\xe9 \xff\x80"[..], "\u{2603} snow".as_bytes(), b"a\tb", b"\"\\\xfc\""] {
        let head = [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-It: ", value, b"\r\n\r\n1"];
        let origin = Origin::new().elsewhere(Behaviour::Raw(head.concat()));
        let retter = before(&origin);
        let line = [b"X-It: ", value, b"\r\n"].concat();
        let request =
            [b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", &line[..], b"\r\n"].concat();
        let came = raw(retter.address(), &request);
        let expected = line.to_ascii_lowercase();
        assert!(holds(&came.to_ascii_lowercase(), &expected), "{}", came.escape_ascii());
        let head = asked(&origin).head.to_ascii_lowercase();
        assert!(holds(&head, &expected), "{}", head.escape_ascii());
    }
}

/// A byte that is no text must not hide the names beside it.
#[test]
fn what_connection_names_stays_behind_however_it_is_said() {
    for lines in [
        &b"Connection: X-Hop, \xff\r\n"[..],
        b"Connection: \xff\r\nConnection: close, x-HOP\r\n",
        b"Connection: close\r\nConnection: ,\t X-Hop ,\r\n",
    ] {
        let fields = [lines, b"X-Hop: 1\r\nX-End: 1\r\n"].concat();
        let head = [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", &fields[..], b"\r\n1"].concat();
        let origin = Origin::new().elsewhere(Behaviour::Raw(head));
        let retter = before(&origin);
        let request = [b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", &fields[..], b"\r\n"];
        let came = raw(retter.address(), &request.concat()).to_ascii_lowercase();
        assert!(came.starts_with(b"http/1.1 200"), "{}", came.escape_ascii());
        assert!(!holds(&came, b"x-hop: 1") && holds(&came, b"x-end: 1"), "{}", came.escape_ascii());
        let seen = asked(&origin);
        assert_eq!((seen.header("x-hop"), seen.header("x-end").as_deref()), (None, Some("1")));
    }
}

#[test]
fn what_a_visitor_can_read_stays_behind_too_if_connection_names_it() {
    let origin = Origin::new().elsewhere(ok("words and words ".repeat(100)));
    let retter = before(&origin);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\
        Connection: close, Accept-Encoding\r\n\r\n";
    let came = raw(retter.address(), request).to_ascii_lowercase();
    assert_eq!(asked(&origin).header("accept-encoding"), None);
    assert!(!holds(&came, b"content-encoding"), "{}", came.escape_ascii());
}

#[test]
fn all_lines_of_what_a_visitor_can_read_count() {
    let page = "words and words ".repeat(100);
    let origin = Origin::new().elsewhere(ok(&page));
    let retter = before(&origin);
    for lines in [
        &b"Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n"[..],
        b"Accept-Encoding: \xff, gzip\r\n",
        b"Accept-Encoding: \xff\r\nAccept-Encoding: br, gzip\r\n",
    ] {
        let request = [b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", lines, b"\r\n"];
        let came = raw(retter.address(), &request.concat()).to_ascii_lowercase();
        assert_eq!(asked(&origin).all("accept-encoding"), ["gzip"], "{}", lines.escape_ascii());
        assert!(holds(&came, b"content-encoding: gzip"), "{}", lines.escape_ascii());
    }
}

#[test]
fn a_range_arrives_as_it_was_asked_for() {
    let part = answer(206, "cd").header("Content-Range", "bytes 2-3/10");
    let origin = Origin::new().elsewhere(part);
    let retter = before(&origin);
    for range in ["bytes=2-3", "bytes=0-0, -1", "lines=1-2", "bytes = 2 - 3"] {
        let visit = get("/").header("Range", range).header("If-Range", "\"a\"");
        let came = retter.visit(&visit);
        assert_eq!((came.status, came.text().as_str()), (206, "cd"));
        assert_eq!(came.header("content-range"), Some("bytes 2-3/10"));
        let seen = asked(&origin);
        assert_eq!(
            (seen.all("range"), seen.all("if-range")),
            (vec![range.into()], vec!["\"a\"".into()])
        );
    }
}

#[test]
fn an_expectation_that_the_application_does_not_meet_is_its_answer() {
    let origin = Origin::new().elsewhere(answer(417, "not here"));
    let came = before(&origin).visit(&post("/", "body").header("Expect", "100-continue"));
    assert_eq!((came.status, came.text().as_str()), (417, "not here"));
}

#[test]
fn variables_that_name_a_proxy_are_not_heard() {
    let origin = Origin::new().elsewhere(ok("1"));
    let names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"];
    let setup = names
        .iter()
        .fold(Setup::before(&origin), |setup, name| setup.variable(name, "http://127.0.0.1:9"));
    assert_eq!(setup.start().get("/").retter(), "backend");
}

/// RFC 9110 section 7.6.3: the protocol that was received.
#[test]
fn via_says_what_the_visitor_spoke() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    let mut names = Vec::new();
    let mut heard = |protocol: &str| {
        let via = asked(&origin).header("via").expect("it is always said");
        let (said, name) = via.split_once(' ').expect("protocol and name");
        assert_eq!(said, protocol);
        names.push(name.to_owned());
    };
    retter.get("/");
    heard("1.1");
    retter.visit(&get("/").http10());
    heard("1.0");
    Session::plain(retter.address()).get("/").expect("a reply");
    heard("2");
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    for via in ["1.0", "2", "HTTP/1.1", "3 other, 1.1"] {
        let visit = get("/").header("Via", &format!("{via} {} (again)", names[0]));
        assert_eq!(retter.visit(&visit).status, 508, "{via}");
    }
    let other = get("/").header("Via", &format!("1.1 {}0", names[0]));
    assert_eq!(retter.visit(&other).status, 200);
}

#[test]
fn in_http2_what_speaks_of_connections_is_no_request() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    let request = to("/").header("te", "gzip").body(vec![]).expect("a request");
    let reply = Session::plain(retter.address()).send(request);
    assert!(reply.is_err() || asked(&origin).header("te").is_none());
    assert_eq!(
        say(&retter, "GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\nConnection: TE, close\r\n\r\n"),
        200
    );
    assert_eq!(asked(&origin).header("te"), None);
}
