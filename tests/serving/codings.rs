//! Content codings of copies, by quality values (RFC 9110 section 12.5.3).

use super::{Bereft, TAG, page, plain, text, with};
use crate::support::client::{get, head};
use crate::support::origin::ok;

const LONG: usize = 300_000;

fn texts() -> Bereft {
    Bereft::of(&[("/page", page(text(1000))), ("/long", page(text(LONG)))])
}

/// As the application of `/zipped` encodes it.
fn zipped() -> Vec<u8> {
    retter::encoding::encode(retter::encoding::Coding::Gzip, &text(1000)).expect("gzip").to_vec()
}

#[test]
fn a_plain_copy_is_given_in_the_most_welcome_coding() {
    let bereft = texts();
    for (accepted, coding) in [
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip, deflate, br", Some("gzip")),
        ("zstd;q=0.5, gzip;q=0.8", Some("gzip")),
        ("zstd;q=0, *;q=0.1", Some("gzip")),
        ("*", Some("zstd")),
        ("identity;q=0, gzip;q=0.1", Some("gzip")),
        ("identity, gzip;q=0.9", None),
        ("gzip;q=0", None),
        ("br", None),
        ("", None),
        // Better what he does not like than nothing.
        ("identity;q=0", None),
    ] {
        for (path, length) in [("/page", 1000), ("/long", LONG)] {
            let answer = bereft.ask(path, &[("Accept-Encoding", accepted)]);
            assert_eq!((answer.status, answer.header("content-encoding")), (200, coding));
            assert_eq!(plain(&answer), text(length), "{accepted}");
            assert_eq!(answer.header("vary"), Some("accept-encoding"), "{accepted}");
            let (tag, ranges) = match coding {
                Some(_) => ("W/\"v1\"", None),
                None => (TAG, Some("bytes")),
            };
            let said = (answer.header("etag"), answer.header("accept-ranges"));
            assert_eq!(said, (Some(tag), ranges), "{accepted}");
            assert!(coding.is_none() || answer.body.len() < length / 5, "{accepted}");
            assert_eq!((answer.retter(), answer.circuit()), ("cache", "CLOSED"));
        }
    }
}

#[test]
fn a_copy_that_the_application_encoded_is_given_as_it_is_or_plain() {
    let zipped = zipped();
    let page = page(&zipped).header("Content-Encoding", "gzip");
    let bereft = Bereft::of(&[("/page", page)]);
    for (accepted, is_zipped) in [
        ("gzip", true),
        ("zstd, gzip", true),
        ("x-gzip;q=0.1", true),
        ("gzip;q=0.5, identity;q=0.5", true),
        ("gzip;q=0.5, identity", false),
        ("zstd", false),
        ("gzip;q=0, *", false),
        ("", false),
    ] {
        let answer = bereft.ask("/page", &[("Accept-Encoding", accepted)]);
        let (body, coding, tag) = match is_zipped {
            true => (&zipped, Some("gzip"), TAG),
            false => (&text(1000), None, "W/\"v1\""),
        };
        assert_eq!((&answer.body, answer.header("content-encoding")), (body, coding), "{accepted}");
        assert_eq!(answer.header("etag"), Some(tag));
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        let length = body.len().to_string();
        assert_eq!(answer.header("content-length"), Some(&*length));
    }
    // Parts are of the bytes that are sent.
    let part = &[("Range", "bytes=1-3")];
    let answer = bereft.visit(&with(get("/page").header("Accept-Encoding", "gzip"), part));
    assert_eq!((answer.status, &answer.body[..]), (206, &zipped[1..4]));
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let answer = bereft.ask("/page", part);
    assert_eq!((answer.status, &answer.body[..]), (206, &text(1000)[1..4]));
}

#[test]
fn some_copies_are_never_compressed() {
    let bereft = Bereft::of(&[
        ("/short", ok(text(300))),
        ("/image", ok(text(1000)).typed("image/png")),
        ("/sealed", ok(text(1000)).header("Cache-Control", "public, no-transform")),
        ("/digest", ok(text(1000)).header("Content-MD5", "x")),
        ("/page", ok(text(1000))),
    ]);
    for path in ["/short", "/image", "/sealed", "/digest"] {
        let answer = bereft.ask(path, &[("Accept-Encoding", "gzip")]);
        let said = (answer.header("content-encoding"), answer.header("vary"));
        assert_eq!(said, (None, None), "{path}");
    }
    let asked_not_to = [("Accept-Encoding", "gzip"), ("Cache-Control", "no-transform")];
    assert_eq!(bereft.ask("/page", &asked_not_to).body, text(1000));
    let old = get("/page").http10().header("Accept-Encoding", "gzip");
    assert_eq!(bereft.visit(&old).body, text(1000));
    let off = Bereft::with(&[("/page", ok(text(1000)))], |it| it.set("COMPRESS_MODE", "off"));
    let answer = off.ask("/page", &[("Accept-Encoding", "gzip")]);
    assert_eq!((answer.body.clone(), answer.header("vary")), (text(1000), None));
}

#[test]
fn conditions_and_ranges_are_held_against_what_would_be_sent() {
    let bereft = texts();
    let ask = |name, value| bereft.ask("/page", &[("Accept-Encoding", "zstd"), (name, value)]);
    for tag in [TAG, "W/\"v1\""] {
        let known = ask("If-None-Match", tag);
        let said = (known.status, known.header("etag"), known.header("vary"));
        assert_eq!(said, (304, Some("W/\"v1\""), Some("accept-encoding")));
    }
    // A compressed page has a weak tag, which matches none strongly.
    assert_eq!(ask("If-Match", TAG).status, 412);
    let part = ask("Range", "bytes=10-12");
    assert_eq!((part.status, &part.body[..]), (206, &text(1000)[10..13]));
    let said = (part.header("content-encoding"), part.header("etag"), part.header("vary"));
    assert_eq!(said, (None, Some(TAG), Some("accept-encoding")));
    let none = ask("Range", "bytes=1000-");
    assert_eq!((none.status, none.header("content-encoding")), (416, None));
}

#[test]
fn a_head_says_nothing_untrue_of_a_body_that_is_not_made() {
    let bereft = texts();
    for path in ["/page", "/long"] {
        let answer = bereft.visit(&head(path).header("Accept-Encoding", "gzip"));
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
        assert_eq!((answer.header("content-length"), answer.body.len()), (None, 0));
        let plain = bereft.visit(&head(path));
        let length = bereft.ask(path, &[]).body.len().to_string();
        assert_eq!(plain.header("content-length"), Some(&*length));
    }
}

#[test]
fn what_nobody_may_change_is_not_decoded_either() {
    let page = page(zipped()).header("Content-Encoding", "gzip");
    let bereft = Bereft::of(&[("/page", page.header("Cache-Control", "no-transform"))]);
    let answer = bereft.visit(&get("/page"));
    assert_eq!(
        (answer.header("content-encoding"), answer.header("etag")),
        (Some("gzip"), Some(TAG))
    );
    assert!(answer.body == zipped());
}

#[test]
fn the_zstd_that_rests_in_the_file_is_given_as_it_is() {
    let mut bereft = texts();
    bereft.retter.restart();
    let answer = bereft.ask("/long", &[("Accept-Encoding", "gzip, zstd")]);
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("zstd")));
    assert_eq!(plain(&answer), text(LONG));
    let said = (answer.header("etag"), answer.header("vary"), answer.header("accept-ranges"));
    assert_eq!(said, (Some("W/\"v1\""), Some("accept-encoding"), None));
    // What is compressed for this visitor has no length: it is sent while it is made.
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(&*length));
    let zipped = bereft.ask("/long", &[("Accept-Encoding", "gzip")]);
    assert_eq!((plain(&zipped), zipped.header("content-length")), (text(LONG), None));
    assert_eq!(bereft.ask("/long", &[]).body, text(LONG));
}
