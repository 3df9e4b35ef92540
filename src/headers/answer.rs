//! What is read from, and done to, an answer's fields.

use super::{list, take_off};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use std::time::{Duration, SystemTime};

/// `Retry-After` as a time from now (RFC 9110 section 10.2.3: seconds, or a date).
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// An answer that is not meant to end: server-sent events.
pub fn is_event_stream(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) else {
        return false;
    };
    let Some((essence, rest)) = kind.split_at_checked(EVENT_STREAM.len()) else { return false };
    let is_whole = rest.trim_ascii_start().first().is_none_or(|byte| *byte == b';');
    is_whole && essence.eq_ignore_ascii_case(EVENT_STREAM)
}

/// Type and subtype, without parameters and in the letters they came in (RFC 9110 section 8.3.1); both
/// are empty if this is no media type.
pub fn media_type(content_type: &str) -> (&str, &str) {
    // By bytes: both are ASCII, and few letters are searched quickest one by one.
    let find = |text: &str, sought| text.bytes().position(|byte| byte == sought);
    let essence = &content_type[..find(content_type, b';').unwrap_or(content_type.len())];
    let essence = essence.trim_matches([' ', '\t']);
    find(essence, b'/').map_or(("", ""), |at| (&essence[..at], &essence[at + 1..]))
}

/// The `ETag`, if it is a strong one.
pub fn strong_etag(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(header::ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""))
}

/// A strong validator holds for the very bytes it was given for; for others it is weak
/// (RFC 9110 section 8.8.1).
pub fn weaken_etag(headers: &mut HeaderMap) {
    let Some(tag) = strong_etag(headers) else { return };
    match HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()) {
        Ok(weak) => drop(headers.insert(header::ETAG, weak)),
        Err(_) => drop(headers.remove(header::ETAG)),
    }
}

/// Says that the coding was chosen by `Accept-Encoding`, if that is not said already.
pub fn vary_on_encoding(headers: &mut HeaderMap) {
    let said = list(headers, &header::VARY)
        .any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding"));
    if !said {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Does a field of this name vouch for the very bytes it came with?
pub fn is_digest(name: &HeaderName) -> bool {
    DIGESTS.contains(name)
}

/// Do these fields announce such a one behind the body?
pub fn announces_digest(headers: &HeaderMap) -> bool {
    let is_digest =
        |name: &str| DIGESTS.iter().any(|digest| digest.as_str().eq_ignore_ascii_case(name));
    list(headers, &header::TRAILER).any(is_digest)
}

/// Takes off what was true of other bytes (RFC 9530).
pub fn forget_digests(headers: &mut HeaderMap) {
    take_off(headers, &DIGESTS);
}

static DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];
const EVENT_STREAM: &[u8] = b"text/event-stream";

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let seconds = with(header::RETRY_AFTER, "120");
        assert_eq!(retry_after(&seconds), Some(Duration::from_secs(120)));
        let past = with(header::RETRY_AFTER, "Fri, 31 Dec 1999 23:59:59 GMT");
        assert_eq!(retry_after(&past), Some(Duration::ZERO));
        assert_eq!(retry_after(&with(header::RETRY_AFTER, "soon")), None);
    }

    #[test]
    fn only_strong_validators_are_weakened_and_only_once() {
        let mut headers = with(header::ETAG, "\"a\"");
        weaken_etag(&mut headers);
        weaken_etag(&mut headers);
        assert_eq!(headers[header::ETAG], "W/\"a\"");
    }

    #[test]
    fn an_event_stream_is_known_by_its_type_whatever_the_parameters() {
        let kind = "Text/Event-Stream; charset=utf-8";
        assert!(is_event_stream(&with(header::CONTENT_TYPE, kind)));
        assert!(is_event_stream(&with(header::CONTENT_TYPE, "text/event-stream")));
        assert!(!is_event_stream(&with(header::CONTENT_TYPE, "text/event-streams")));
        assert!(!is_event_stream(&with(header::CONTENT_TYPE, "text/html")));
    }
}
