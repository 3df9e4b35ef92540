//! Targets, in every form a request may have them (RFC 9112 section 3.2).

use super::{asked, before, say};
use crate::support::client::get;
use crate::support::origin::{Origin, computed, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::session::{Session, to};

#[test]
fn a_query_without_a_path_is_of_the_root() {
    let origin = Origin::new().elsewhere(computed(|seen| ok(seen.target())));
    let retter = under_a_prefix(&origin);
    assert_eq!(say(&retter, absolute("GET", "http://shop.example?p=12")), 200);
    assert_eq!(asked(&origin).target(), "/blog/?p=12");
    origin.down();
    let copy = retter.get("/?p=12");
    assert_eq!((copy.retter(), copy.text().as_str()), ("cache", "/blog/?p=12"));
}

/// RFC 9113 section 8.3.1: it begins with a slash, or it is no request.
#[test]
fn in_http2_a_path_begins_with_a_slash() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = under_a_prefix(&origin);
    let reply = Session::plain(retter.address()).get("?p=12").expect("a reply");
    assert_eq!((reply.status.as_u16(), origin.seen().len()), (400, 0));
}

#[test]
fn a_prefix_comes_before_whatever_path_there_is() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = under_a_prefix(&origin);
    for (target, expected) in [
        ("/", "/blog/"),
        ("/?", "/blog/?"),
        ("//evil.example/", "/blog//evil.example/"),
        ("http://shop.example", "/blog/"),
        ("http://shop.example/a?b", "/blog/a?b"),
    ] {
        assert_eq!(say(&retter, absolute("GET", target)), 200, "{target}");
        assert_eq!(asked(&origin).target(), expected, "{target}");
    }
}

/// The parser makes one of `http://shop.example` and `http://shop.example/`: both are of the root.
#[test]
fn options_of_the_server_as_a_whole_are_asked_with_an_asterisk() {
    let origin = Origin::new().elsewhere(ok("1"));
    for retter in [before(&origin), under_a_prefix(&origin)] {
        assert_eq!(say(&retter, absolute("OPTIONS", "*")), 200);
        assert_eq!(asked(&origin).target(), "*");
        for target in ["http://shop.example", "http://shop.example/"] {
            assert_eq!(say(&retter, absolute("OPTIONS", target)), 200);
            assert!(asked(&origin).target().ends_with('/'), "{target}");
        }
        let asterisk = to("*").uri("*").method("OPTIONS").body(vec![]).expect("a request");
        let reply = Session::plain(retter.address()).send(asterisk);
        assert!(reply.is_ok_and(|reply| reply.status == 400), "no host");
    }
}

#[test]
fn a_host_is_the_same_with_its_own_port_and_without() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    for (target, status) in [
        ("http://shop.example:80/", 200),
        ("http://SHOP.example/", 200),
        ("https://shop.example:443/", 200),
        ("https://shop.example:80/", 400),
        ("http://shop.example:81/", 400),
        ("http://shop.example.org/", 400),
    ] {
        assert_eq!(say(&retter, absolute("GET", target)), status, "{target}");
    }
    let mut session = Session::plain(retter.address());
    let request = to("/").header("host", "shop.example:80").body(vec![]).expect("a request");
    assert_eq!(session.send(request).expect("a reply").status, 200);
}

#[test]
fn bytes_beyond_ascii_are_not_touched() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    assert_eq!(say(&retter, absolute("GET", "/caf\u{e9}?q=\u{2603}")), 200);
    assert_eq!(asked(&origin).target(), "/caf\u{e9}?q=\u{2603}");
}

/// Where its parser cuts it off RETTER cannot see that there was one; nobody else gets to see it.
#[test]
fn a_fragment_goes_no_further() {
    let origin = Origin::new().elsewhere(ok("1"));
    let retter = before(&origin);
    for target in ["/a#b", "http://shop.example/a#b", "/a#b?c"] {
        assert_eq!(say(&retter, absolute("GET", target)), 200);
        assert_eq!(asked(&origin).target(), "/a", "{target}");
    }
}

#[test]
fn a_target_that_the_prefix_makes_too_long_is_the_visitors_mistake() {
    let origin = Origin::new().elsewhere(ok("1"));
    let base = format!("{}/{}", origin.url(), "p".repeat(1000));
    let setup = Setup::before(&origin).set("BACKEND_BASEURL", base);
    let retter = setup.set("LIMIT_URI", "65534").set("LIMIT_HEADER", "256 KiB").start();
    let answer = retter.visit(&get(&format!("/{}", "a".repeat(65_000))));
    assert_eq!((answer.status, origin.seen().len()), (414, 0));
    assert_eq!(retter.get("/").status, 200);
}

fn under_a_prefix(origin: &Origin) -> Retter {
    Setup::before(origin).set("BACKEND_BASEURL", format!("{}/blog", origin.url())).start()
}

fn absolute(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
}
