//! Soft errors: answers that say 200 and show the application's trouble. Only the operator knows
//! them, by a text (`cache.reject.text`) or by their length (`cache.reject.below`).
//!
//! Such an answer goes to the visitor as it is and says nothing about the page: the copy there is
//! neither takes its place nor leaves. Only status 200 is looked at, since no other pretends to be
//! the page: a redirect has no body by its nature.

use super::{Settings, SkipReason};
use crate::encoding;
use crate::headers::{list, text};
use http::{HeaderMap, StatusCode, header};
use memchr::memmem;
use std::borrow::Cow;

/// What the operator has against this whole answer; `body` as the application sent it.
///
/// A text is looked for byte by byte, in types that hold text and where no type is said. What
/// cannot be looked into, because its coding is damaged or more than 8 MiB come out of it, is
/// rejected: the operator asked that nothing be kept that has the text.
pub fn soft_error(
    status: StatusCode,
    fields: &HeaderMap,
    body: &[u8],
    settings: &Settings,
) -> Option<SkipReason> {
    if let Err(short) = long_enough(status, Some(body.len() as u64), settings) {
        return Some(short);
    }
    let looked_into =
        status == StatusCode::OK && !settings.reject_text.is_empty() && holds_text(fields);
    if !looked_into {
        return None;
    }
    let clean = decoded(fields, body).is_some_and(|body| {
        let has = |text: &String| memmem::find(&body, text.as_bytes()).is_some();
        !settings.reject_text.iter().any(has)
    });
    (!clean).then_some(SkipReason::RejectText)
}

/// `length` in bytes as the application sent it; `None`: not known yet.
pub(super) fn long_enough(
    status: StatusCode,
    length: Option<u64>,
    settings: &Settings,
) -> Result<(), SkipReason> {
    let is_short = length.is_some_and(|length| length < settings.reject_below);
    if status == StatusCode::OK && is_short { Err(SkipReason::RejectBelow) } else { Ok(()) }
}

/// `None`: it cannot be.
fn decoded<'a>(fields: &HeaderMap, body: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let mut codings = list(fields, &header::CONTENT_ENCODING)
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    match (codings.next(), codings.next()) {
        (None, _) => Some(Cow::Borrowed(body)),
        (Some(coding), None) => {
            let decoded = encoding::decode(coding, body, DECODED_BYTES).ok()?;
            Some(Cow::Owned(decoded.into()))
        }
        (Some(_), Some(_)) => None,
    }
}

fn holds_text(fields: &HeaderMap) -> bool {
    !fields.contains_key(header::CONTENT_TYPE)
        || text(fields, &header::CONTENT_TYPE).is_some_and(encoding::is_text)
}

/// The pages of applications are far below; a bomb is not.
const DECODED_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn settings(texts: &[&str], below: u64) -> Settings {
        let reject_text = texts.iter().map(|text| (*text).to_owned()).collect();
        Settings { reject_text, reject_below: below, ..Settings::default() }
    }

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn a_text_is_found_as_bytes_and_by_its_case_in_what_holds_text() {
        let rules = settings(&["Database error", "K\u{e4}se"], 0);
        let bad = b"<p>Database error</p>";
        for (kind, body, rejected) in [
            ("text/html", &bad[..], true),
            ("text/html; charset=utf-8", "Das ist K\u{e4}se".as_bytes(), true),
            ("text/html", b"Das ist K\xe4se", false),
            ("text/html", b"database error", false),
            ("text/html", b"Database  error", false),
            ("Application/JSON", bad, true),
            ("application/atom+xml", bad, true),
            ("image/png", bad, false),
            ("application/octet-stream", bad, false),
        ] {
            let fields = fields(&[("content-type", kind)]);
            let found = soft_error(StatusCode::OK, &fields, body, &rules);
            assert_eq!(found, rejected.then_some(SkipReason::RejectText), "{kind}: {body:?}");
        }
        let untyped = soft_error(StatusCode::OK, &HeaderMap::new(), bad, &rules);
        assert_eq!(untyped, Some(SkipReason::RejectText));
        let moved = soft_error(StatusCode::MOVED_PERMANENTLY, &HeaderMap::new(), bad, &rules);
        assert_eq!(moved, None, "only 200 pretends to be the page");
        let unasked = soft_error(StatusCode::OK, &HeaderMap::new(), bad, &settings(&[], 0));
        assert_eq!(unasked, None);
    }

    #[test]
    fn a_coding_hides_nothing_and_what_cannot_be_looked_into_is_rejected() {
        let rules = settings(&["Database error"], 0);
        let bomb = gzip(&vec![b'a'; DECODED_BYTES + 1]);
        for (coding, body, rejected) in [
            ("gzip", gzip(b"<p>Database error</p>"), true),
            ("gzip", gzip(b"<p>a page</p>"), false),
            ("identity, gzip", gzip(b"<p>Database error</p>"), true),
            ("gzip", b"no gzip at all".to_vec(), true),
            ("gzip", bomb, true),
        ] {
            let lines = [("content-type", "text/html"), ("content-encoding", coding)];
            let found = soft_error(StatusCode::OK, &fields(&lines), &body, &rules);
            assert_eq!(found, rejected.then_some(SkipReason::RejectText), "{coding}");
        }
    }

    #[test]
    fn a_length_is_measured_as_the_application_sent_it() {
        let rules = settings(&[], 100);
        let packed = gzip(&[b'a'; 5_000]);
        assert!(packed.len() < 100);
        let coded = fields(&[("content-encoding", "gzip")]);
        let below = Some(SkipReason::RejectBelow);
        assert_eq!(soft_error(StatusCode::OK, &coded, &packed, &rules), below);
        assert_eq!(soft_error(StatusCode::OK, &HeaderMap::new(), &[b'a'; 99], &rules), below);
        assert_eq!(soft_error(StatusCode::OK, &HeaderMap::new(), &[b'a'; 100], &rules), None);
        let moved = soft_error(StatusCode::MOVED_PERMANENTLY, &HeaderMap::new(), b"", &rules);
        assert_eq!(moved, None);
    }
}
