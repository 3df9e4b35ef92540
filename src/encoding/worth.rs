//! Which answers are compressed on their way, and what their heads say then.

use super::Coding;
use crate::headers::{self, forget_digests, media_type, text, vary_on_encoding, weaken_etag};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Would it be right, and worth it, to compress an answer with these fields? `length` is that of
/// its body, if it is known.
///
/// Not what is encoded already, short, or no text; not an event stream; and not what nobody on the
/// way may change (`no-transform`, RFC 9110 section 7.7) or must not, because its fields have a
/// digest of it.
pub fn is_worth_encoding(answer: &HeaderMap, length: Option<u64>) -> bool {
    if length.is_some_and(|length| length <= LEAST_BYTES) {
        return false;
    }
    let Some(kind) = text(answer, &header::CONTENT_TYPE).map(MediaType::of) else { return false };
    // One look at every name: most answers have none of these fields, and searching for each of
    // them costs more.
    let forbids = |name: &HeaderName| match *name {
        header::CONTENT_ENCODING => true,
        header::CACHE_CONTROL => forbids_transforming(answer),
        header::TRAILER => headers::announces_digest(answer),
        _ => headers::is_digest(name),
    };
    kind.is_text()
        && !kind.is_stream()
        && !is_to_be_written_back(kind, answer)
        && !answer.keys().any(forbids)
}

/// Data with a strong `ETag`: who changes it sends that back as `If-Match`, which a weakened one never
/// meets (RFC 9110 section 13.1.1).
fn is_to_be_written_back(kind: MediaType<'_>, answer: &HeaderMap) -> bool {
    kind.is_json() && headers::strong_etag(answer).is_some()
}

/// `no-transform`, of an answer or of a request (RFC 9111 sections 5.2.1.6 and 5.2.2.6).
pub fn forbids_transforming(fields: &HeaderMap) -> bool {
    headers::list(fields, &header::CACHE_CONTROL)
        .any(|directive| directive.eq_ignore_ascii_case("no-transform"))
}

/// The head of an answer that is sent in `coding`: other bytes than the application's, of a length
/// of their own, and parts of them are not to be had.
pub fn mark_encoded(answer: &mut HeaderMap, coding: Coding) {
    answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
    answer.remove(header::CONTENT_LENGTH);
    answer.remove(header::ACCEPT_RANGES);
    weaken_etag(answer);
    vary_on_encoding(answer);
}

/// The head of an answer whose coding was taken off.
pub fn mark_decoded(answer: &mut HeaderMap) {
    answer.remove(header::CONTENT_ENCODING);
    forget_digests(answer);
    weaken_etag(answer);
    vary_on_encoding(answer);
}

/// Types whose bytes are words.
pub fn is_text(content_type: &str) -> bool {
    MediaType::of(content_type).is_text()
}

/// Type and subtype, in any case of letters.
#[derive(Clone, Copy)]
struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
}

impl<'a> MediaType<'a> {
    fn of(content_type: &'a str) -> Self {
        let (kind, subtype) = media_type(content_type);
        Self { kind, subtype }
    }

    fn is_text(self) -> bool {
        self.kind.eq_ignore_ascii_case("text")
            || ends_with(self.subtype, "+json")
            || ends_with(self.subtype, "+xml")
            || (self.is_application() && TEXTS.iter().any(|name| self.is_subtype(name)))
    }

    fn is_stream(self) -> bool {
        self.is_subtype("event-stream")
    }

    fn is_json(self) -> bool {
        ends_with(self.subtype, "+json") || (self.is_application() && self.is_subtype("json"))
    }

    fn is_application(self) -> bool {
        self.kind.eq_ignore_ascii_case("application")
    }

    fn is_subtype(self, name: &str) -> bool {
        self.subtype.eq_ignore_ascii_case(name)
    }
}

/// In any case of letters.
fn ends_with(subtype: &str, suffix: &str) -> bool {
    let start = subtype.len().checked_sub(suffix.len());
    let end = start.and_then(|at| subtype.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

const TEXTS: [&str; 5] = ["ecmascript", "javascript", "json", "x-javascript", "xml"];
/// Below it the head is most of an answer.
const LEAST_BYTES: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        lines.collect()
    }

    #[test]
    fn data_that_may_be_written_back_keeps_its_strong_tag() {
        for (kind, tag, worth) in [
            ("application/json", "\"a\"", false),
            ("application/problem+JSON; charset=utf-8", "\"a\"", false),
            ("application/json", "W/\"a\"", true),
            ("text/html", "\"a\"", true),
        ] {
            let fields = fields(&[("content-type", kind), ("etag", tag)]);
            assert_eq!(is_worth_encoding(&fields, None), worth, "{kind} {tag}");
        }
        assert!(is_worth_encoding(&fields(&[("content-type", "application/json")]), None));
        let vouched = [("content-type", "text/html"), ("trailer", "x, Repr-Digest")];
        assert!(!is_worth_encoding(&fields(&vouched), None));
    }

    #[test]
    fn only_long_plain_texts_that_may_be_changed_are_compressed() {
        let html = ("content-type", "text/html; charset=utf-8");
        assert!(is_worth_encoding(&fields(&[html]), Some(301)));
        assert!(is_worth_encoding(&fields(&[html]), None));
        assert!(!is_worth_encoding(&fields(&[html]), Some(300)));
        for but in [
            ("content-encoding", "gzip"),
            ("content-encoding", "identity"),
            ("cache-control", "public, No-Transform"),
            ("content-md5", "x"),
            ("repr-digest", "x"),
        ] {
            assert!(!is_worth_encoding(&fields(&[html, but]), Some(1000)), "{but:?}");
        }
        assert!(!is_worth_encoding(&HeaderMap::new(), Some(1000)));
        assert!(!is_worth_encoding(&fields(&[("content-type", "text/event-stream")]), None));
    }

    #[test]
    fn texts_are_known_by_their_types() {
        for kind in [
            "text/plain",
            "TEXT/CSS",
            "application/json",
            "application/javascript;x=y",
            "application/xml",
            "application/ld+json",
            "image/svg+xml",
            "application/XHTML+XML",
        ] {
            assert!(is_text(kind), "{kind}");
        }
        for kind in [
            "image/png",
            "application/octet-stream",
            "text",
            "",
            "application/zip",
            "application/jsonx",
            "video/xml",
            "application/é+jsön",
        ] {
            assert!(!is_text(kind), "{kind}");
        }
    }

    #[test]
    fn a_head_says_what_was_done_to_its_body() {
        let mut head = fields(&[
            ("etag", "\"a\""),
            ("content-length", "1000"),
            ("accept-ranges", "bytes"),
            ("vary", "cookie"),
        ]);
        mark_encoded(&mut head, Coding::Gzip);
        let said = [("content-encoding", "gzip"), ("etag", "W/\"a\""), ("vary", "cookie")];
        let mut expected = fields(&said);
        expected.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        assert_eq!(head, expected);
        mark_decoded(&mut head);
        expected.remove(header::CONTENT_ENCODING);
        assert_eq!(head, expected);
    }
}
