//! Ranges of copies (RFC 9110 section 14).

use super::{Bereft, LATER, MADE, MODIFIED, TAG, page, with};
use crate::support::client::{get, head};
use crate::support::origin::{answer, fail, ok};
use crate::support::retter::Setup;

fn digits() -> Bereft {
    Bereft::of(&[("/page", page("0123456789")), ("/moved", answer(301, "moved"))])
}

#[test]
fn the_part_that_is_asked_for_is_given() {
    let bereft = digits();
    for (range, part, place) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=5-99", "56789", "bytes 5-9/10"),
        ("bytes=0-3,2-5", "012345", "bytes 0-5/10"),
        ("bytes=99-,1-1", "1", "bytes 1-1/10"),
    ] {
        let answer = bereft.ask("/page", &[("Range", range)]);
        assert_eq!((answer.status, answer.text().as_str()), (206, part), "{range}");
        assert_eq!(answer.header("content-range"), Some(place));
        assert_eq!(answer.header("content-length"), Some(&*part.len().to_string()));
        assert_eq!((answer.header("etag"), answer.header("date")), (Some(TAG), Some(MADE)));
        assert_eq!((answer.retter(), answer.circuit()), ("cache", "CLOSED"));
        assert!(answer.header("age").is_some() && answer.header("cache-status").is_some());
    }
    assert!(bereft.retter.log().contains("status=206"), "the log says what was sent");
}

#[test]
fn several_parts_come_in_one_answer() {
    let answer = digits().ask("/page", &[("Range", "bytes=0-1, 8-, 4-5")]);
    let kind = answer.header("content-type").unwrap_or_default();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect(kind);
    let body = answer.text();
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!((answer.status, parts.len(), parts[4]), (206, 5, "--\r\n"), "{answer:?}");
    for (part, (place, bytes)) in
        parts[1..4].iter().zip([("0-1", "01"), ("8-9", "89"), ("4-5", "45")])
    {
        let kind = "Content-Type: text/html; charset=utf-8";
        let whole = format!("\r\n{kind}\r\nContent-Range: bytes {place}/10\r\n\r\n{bytes}\r\n");
        assert_eq!(*part, whole);
    }
    assert_eq!(answer.header("content-range"), None);
}

#[test]
fn what_does_not_exist_is_not_given() {
    let bereft = digits();
    for range in ["bytes=10-", "bytes=10-12, 99-", "bytes=-0"] {
        let answer = bereft.ask("/page", &[("Range", range)]);
        assert_eq!((answer.status, answer.text()), (416, String::new()), "{range}");
        assert_eq!(answer.header("content-range"), Some("bytes */10"));
        assert_eq!((answer.retter(), answer.header("content-length")), ("cache", Some("0")));
    }
}

#[test]
fn what_is_no_range_or_too_much_of_it_is_ignored() {
    let bereft = Bereft::of(&[("/page", page("0123456789".repeat(10)))]);
    let many: Vec<String> = (0..17).map(|it| format!("{0}-{0}", it * 2)).collect();
    let many = format!("bytes={}", many.join(","));
    for range in ["bytes=5-2", "bytes=", "bytes=a-b", "lines=1-2", "0-1", &many] {
        let answer = bereft.ask("/page", &[("Range", range)]);
        assert_eq!((answer.status, answer.body.len()), (200, 100), "{range}");
        assert_eq!(answer.header("accept-ranges"), Some("bytes"));
        assert_eq!(answer.header("content-range"), None);
    }
    let twice = with(get("/page"), &[("Range", "bytes=0-1"), ("Range", "bytes=0-2")]);
    assert_eq!(bereft.visit(&twice).status, 200);
    let sixteen = format!("{},0-0", many.rsplit_once(',').expect("a list").0);
    assert_eq!(bereft.ask("/page", &[("Range", &sixteen)]).status, 206);
}

#[test]
fn a_part_is_given_only_of_the_page_whose_rest_is_there() {
    let bereft = digits();
    for (condition, status) in [
        (TAG, 206),
        (MODIFIED, 206),
        ("\"v0\"", 200),
        ("W/\"v1\"", 200),
        (LATER, 200),
        ("yesterday", 200),
    ] {
        let answer = bereft.ask("/page", &[("Range", "bytes=1-2"), ("If-Range", condition)]);
        assert_eq!(answer.status, status, "{condition}");
    }
    // Who has the page needs no part of it.
    let known = bereft.ask("/page", &[("Range", "bytes=1-2"), ("If-None-Match", TAG)]);
    assert_eq!(known.status, 304);
}

#[test]
fn only_a_whole_page_that_is_fetched_has_parts() {
    let bereft = digits();
    let asked = bereft.visit(&with(head("/page"), &[("Range", "bytes=1-2")]));
    assert_eq!((asked.status, asked.header("content-length")), (200, Some("10")));
    assert_eq!(asked.header("accept-ranges"), Some("bytes"));
    let moved = bereft.ask("/moved", &[("Range", "bytes=1-2")]);
    assert_eq!((moved.status, moved.text().as_str()), (301, "moved"));
    assert_eq!(moved.header("accept-ranges"), None);
}

#[test]
fn the_application_answers_ranges_itself_while_it_copes() {
    let origin = super::Origin::new().route("/page", ok("0123456789")).then(fail(503));
    let retter = Setup::before(&origin).without_breaker().start();
    let ranged = get("/page").header("Range", "bytes=1-2");
    // It took no notice, and that is its affair; what it answered to a `Range` is no copy.
    assert_eq!(retter.visit(&ranged).text(), "0123456789");
    assert_eq!(retter.visit(&ranged).status, 503);
}
