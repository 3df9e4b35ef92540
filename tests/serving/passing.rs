//! The application's own answers, compressed on their way.

use super::{TAG, page, plain, text};
use crate::support::client::{Answer, Line, Visit, get, head, post};
use crate::support::origin::{Answer as Page, Ending, Origin, answer, ok};
use crate::support::retter::{Retter, Setup};
use std::io::Read;

fn before(page: impl Into<crate::support::origin::Behaviour>) -> (Origin, Retter) {
    let origin = Origin::new().elsewhere(page);
    let retter = Setup::before(&origin).without_breaker().start();
    (origin, retter)
}

fn asking(visit: Visit) -> Visit {
    visit.header("Accept-Encoding", "gzip, deflate, br, zstd")
}

/// How the application tells where its body ends.
type Framing = fn(Page) -> Page;

#[test]
fn a_text_is_compressed_for_who_takes_that_however_it_is_framed() {
    let framings: [(&str, Framing); 4] = [
        ("length", |page| page),
        ("chunked", Page::chunked),
        ("slow", |page| page.chunked().slowly(400, std::time::Duration::from_millis(1))),
        ("close", Page::close_delimited),
    ];
    for length in [301, 200_000] {
        for (name, framing) in framings.iter().filter(|(name, _)| *name != "slow" || length < 1000)
        {
            let (_origin, retter) =
                before(framing(page(text(length)).header("Accept-Ranges", "bytes")));
            for (accepted, coding) in
                [("gzip, zstd", Some("zstd")), ("gzip", Some("gzip")), ("gzip;q=0", None)]
            {
                for visit in [get("/"), post("/", "x")] {
                    let answer = retter.visit(&visit.header("Accept-Encoding", accepted));
                    assert!(answer.is_whole(), "{name} {length}: {answer:?}");
                    assert_eq!(answer.header("content-encoding"), coding, "{name} {length}");
                    assert_eq!(plain(&answer), text(length), "{name}");
                    assert_eq!(answer.header("vary"), Some("accept-encoding"));
                    let said = (answer.header("etag"), answer.header("accept-ranges"));
                    match coding {
                        Some(_) => assert_eq!(said, (Some("W/\"v1\""), None)),
                        None => assert_eq!(said, (Some(TAG), Some("bytes"))),
                    }
                }
            }
        }
    }
}

#[test]
fn the_copy_stays_as_the_application_sent_it() {
    let (origin, retter) = before(page(text(1000)));
    assert_eq!(retter.visit(&asking(get("/page"))).header("content-encoding"), Some("zstd"));
    retter.wait_for_copies(&["/page"]);
    origin.down();
    let copy = retter.get("/page");
    assert_eq!((copy.body.clone(), copy.retter()), (text(1000), "cache"));
}

#[test]
fn nothing_waits_for_bytes_that_are_not_there() {
    for coding in ["gzip", "zstd"] {
        let (_origin, retter) = before(ok(text(800)).chunked().ending(Ending::HangAt(500)));
        let mut line = Line::open(retter.address()).expect("a connection");
        line.write(&get("/").header("Accept-Encoding", coding).bytes()).expect("sent");
        let mut come = Vec::new();
        let answer = line.receive(false, |piece| {
            come.extend_from_slice(piece);
            if !read(coding, &come).is_empty() {
                assert_eq!(read(coding, &come), text(500), "{coding}");
            }
        });
        assert_eq!(answer.header("content-encoding"), Some(coding));
        assert_eq!(read(coding, &come), text(500), "before the application goes on");
        // It never did, and that can be seen.
        assert!(answer.is_cut(), "{answer:?}");
    }
}

/// As much as can be read of what has come until now.
fn read(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut all),
        _ => zstd::Decoder::new(bytes).expect("a decoder").read_to_end(&mut all),
    };
    all
}

#[test]
fn an_answer_that_breaks_off_is_seen_to_be_broken() {
    for broken in [ok(text(200_000)).truncated(100_000), ok(text(2000)).chunked().truncated(1000)] {
        let (_origin, retter) = before(broken);
        let answer = retter.visit(&asking(get("/")));
        assert!(answer.is_cut(), "{:?}", (answer.status, answer.end));
    }
}

#[test]
fn other_answers_pass_as_they_are() {
    let image = ok(text(1000)).typed("image/png");
    let events = ok(text(1000)).typed("text/event-stream");
    let not_to_be_changed = ok(text(1000)).header("Cache-Control", "no-transform");
    let encoded = ok(text(1000)).header("Content-Encoding", "br");
    let pages = [ok(text(300)), image, events, not_to_be_changed, encoded];
    for (number, page) in pages.into_iter().chain([answer(404, text(1000))]).enumerate() {
        let (_origin, retter) = before(page);
        let answer = retter.visit(&asking(get("/")));
        assert!(text(1000).starts_with(&answer.body) && answer.body.len() >= 300, "{number}");
        assert_eq!(answer.header("vary"), None, "{number}");
    }
    let (_origin, retter) = before(ok(text(1000)));
    for visit in [
        asking(get("/")).http10(),
        asking(get("/")).header("Range", "bytes=0-"),
        asking(get("/")).header("Cache-Control", "no-transform"),
    ] {
        assert_eq!(retter.visit(&visit).body, text(1000));
    }
    let off = Origin::new().elsewhere(page(text(1000)));
    let retter = Setup::before(&off).set("COMPRESS_MODE", "off").start();
    let answer = retter.visit(&asking(get("/")));
    let said = (answer.header("etag"), answer.header("vary"), answer.header("content-length"));
    assert_eq!((answer.body.clone(), said), (text(1000), (Some(TAG), None, Some("1000"))));
}

#[test]
fn a_head_says_no_length_that_the_get_would_not_have() {
    let (_origin, retter) = before(page(text(1000)));
    let coded = retter.visit(&asking(head("/")));
    let said = |answer: &Answer| {
        ["content-encoding", "content-length", "etag", "vary"]
            .map(|name| answer.header(name).map(str::to_owned))
    };
    let expected = [Some("zstd"), None, Some("W/\"v1\""), Some("accept-encoding")];
    assert_eq!(said(&coded), expected.map(|value| value.map(str::to_owned)));
    let plain = retter.visit(&head("/"));
    let expected = [None, Some("1000"), Some(TAG), Some("accept-encoding")];
    assert_eq!(said(&plain), expected.map(|value| value.map(str::to_owned)));
}

#[test]
fn a_304_is_about_the_page_that_was_given() {
    let (origin, retter) = before(page(text(2_000)));
    let given = retter.visit(&asking(get("/")));
    let weak = given.header("etag").expect("a tag").to_owned();
    assert!(weak.starts_with("W/"), "{weak}");
    origin.set_all(answer(304, "").header("ETag", TAG));
    let again = retter.visit(&asking(get("/")).header("If-None-Match", &weak));
    assert_eq!((again.status, again.header("etag")), (304, Some(weak.as_str())));
    assert!(again.header("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-encoding")));
    let plain = retter.visit(&get("/").header("If-None-Match", TAG));
    assert_eq!((plain.status, plain.header("etag")), (304, Some(TAG)));
}

#[test]
fn data_that_may_be_written_back_passes_with_its_strong_tag() {
    let (_origin, retter) = before(page(text(2_000)).typed("application/json"));
    let given = retter.visit(&asking(get("/")));
    assert_eq!((given.header("etag"), given.header("content-encoding")), (Some(TAG), None));
}
