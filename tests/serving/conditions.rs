//! Conditional requests (RFC 9110 section 13), answered from copies.

use super::{Bereft, EARLIER, LATER, MADE, MODIFIED, TAG, page, with};
use crate::support::client::{get, head};
use crate::support::origin::{answer, ok};

#[test]
fn who_has_the_page_already_is_told_so() {
    let full =
        page("the page").header("Content-Location", "/page.en").header("Vary", "Accept-Encoding");
    let full = full.header("Expires", LATER).header("Content-Language", "en");
    let bereft = Bereft::of(&[("/page", full)]);
    for (name, value) in [
        ("If-None-Match", TAG),
        ("If-None-Match", "\"x\", W/\"v1\""),
        ("If-None-Match", "*"),
        ("If-Modified-Since", MODIFIED),
        ("If-Modified-Since", LATER),
    ] {
        for visit in [get("/page"), head("/page")] {
            let answer = bereft.visit(&with(visit, &[(name, value)]));
            assert_eq!((answer.status, answer.text()), (304, String::new()), "{name}: {value}");
            for (name, value) in [
                ("etag", TAG),
                ("date", MADE),
                ("cache-control", "no-cache"),
                ("content-location", "/page.en"),
                ("vary", "Accept-Encoding"),
                ("x-retter", "cache"),
                ("x-circuit", "CLOSED"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{answer:?}");
            }
            assert!(answer.header("age").is_some() && answer.header("cache-status").is_some());
            for name in ["content-length", "content-type", "expires", "content-language"] {
                assert_eq!(answer.header(name), None, "{answer:?}");
            }
        }
    }
    assert!(bereft.retter.log().contains("status=304"), "the log says what was sent");
}

#[test]
fn who_has_another_page_gets_the_copy() {
    let bereft = Bereft::of(&[("/page", page("the page")), ("/moved", answer(301, "moved"))]);
    for fields in [
        &[("If-None-Match", "\"v0\"")][..],
        &[("If-Modified-Since", EARLIER)],
        &[("If-Modified-Since", "yesterday")],
        // The tag decides where there is one.
        &[("If-None-Match", "\"v0\""), ("If-Modified-Since", LATER)],
        &[("If-Match", TAG)],
        &[("If-Unmodified-Since", MODIFIED)],
    ] {
        let answer = bereft.ask("/page", fields);
        assert_eq!((answer.status, answer.text().as_str()), (200, "the page"), "{fields:?}");
        assert_eq!(answer.header("content-length"), Some("8"));
    }
    assert_eq!(bereft.ask("/moved", &[("If-None-Match", "*")]).status, 301);
}

#[test]
fn a_page_without_last_modified_is_as_old_as_its_date() {
    let bereft = Bereft::of(&[("/page", ok("the page").header("Date", MADE))]);
    for (since, status) in [(MADE, 304), (LATER, 304), (MODIFIED, 200)] {
        assert_eq!(bereft.ask("/page", &[("If-Modified-Since", since)]).status, status, "{since}");
    }
}

#[test]
fn who_means_another_page_is_told_that_this_is_not_it() {
    let bereft = Bereft::of(&[("/page", page("the page"))]);
    for (name, value) in
        [("If-Match", "\"v0\""), ("If-Match", "W/\"v1\""), ("If-Unmodified-Since", EARLIER)]
    {
        let answer = bereft.ask("/page", &[(name, value)]);
        assert_eq!((answer.status, answer.text()), (412, String::new()), "{name}: {value}");
        assert_eq!((answer.header("etag"), answer.retter()), (Some(TAG), "cache"));
        assert_eq!(answer.header("last-modified"), None);
    }
}
