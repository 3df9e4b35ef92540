//! An input as text an editor can write: lines, the fields of a head, a request.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, request};

/// What stands before the first empty line, and what after it.
pub(super) fn halves(text: &[u8]) -> (&[u8], &[u8]) {
    match text.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&text[..=at], &text[at + 2..]),
        None => (text, b""),
    }
}

/// The first line, and the others.
pub(super) fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

/// The lines that are `name: value`, in their order; others mean nothing.
pub(super) fn fields(text: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            // A map that is full takes no more, like the one a connection fills.
            let _ = fields.try_append(name, value);
        }
    }
    fields
}

/// A GET for `target`; `None` for what no connection would take for one.
pub(super) fn get(target: &[u8], fields: HeaderMap) -> Option<request::Parts> {
    let mut parts = Request::new(()).into_parts().0;
    parts.uri = Uri::try_from(target).ok()?;
    parts.headers = fields;
    Some(parts)
}

/// The same for a shop that has said who it is.
pub(super) fn get_from_shop(target: &str, fields: &HeaderMap) -> Option<request::Parts> {
    let mut fields = fields.clone();
    fields.insert("host", HeaderValue::from_static("shop.test"));
    get(target.as_bytes(), fields)
}

/// The same fields and one more, in a line of its own.
pub(super) fn and(fields: &HeaderMap, name: &'static str, value: &str) -> HeaderMap {
    let mut more = fields.clone();
    if let Ok(value) = HeaderValue::from_str(value) {
        let _ = more.try_append(name, value);
    }
    more
}
