//! Percent escapes (RFC 3986 section 6.2.2): two spellings of one address become one, and not a
//! step further. `%2F` stays `%2F`, because applications see it differently from `/`.

use std::borrow::Cow;

/// A text in its normal spelling.
pub(super) struct Spelling<'a> {
    pub text: Cow<'a, str>,
    /// It had escapes of unreserved characters. Equal to the normal spelling by the standard, but
    /// not to every application, so what it brings back must not replace the normal copy.
    pub odd: bool,
}

/// Upper-case hex digits, unreserved characters decoded, the rest untouched.
///
/// A text with a `%` that begins no escape is kept byte for byte: decoding beside a stray `%` could
/// make new escapes (`%%34%31` would become `%41`), and then one text would have two normal forms.
pub(super) fn normal(text: &str) -> Spelling<'_> {
    if !text.contains('%') || !is_well_escaped(text.as_bytes()) {
        return Spelling { text: Cow::Borrowed(text), odd: false };
    }
    let mut pieces = text.split('%');
    let mut normal = pieces.next().unwrap_or_default().to_owned();
    let mut odd = false;
    for piece in pieces {
        // Well escaped: each piece begins with two hex digits.
        let (digits, rest) = piece.split_at(2);
        match escaped_byte(digits.as_bytes()) {
            Some(byte) if is_unreserved(byte) => {
                normal.push(char::from(byte));
                odd = true;
            }
            _ => {
                normal.push('%');
                normal.push_str(&digits.to_ascii_uppercase());
            }
        }
        normal.push_str(rest);
    }
    Spelling { text: Cow::Owned(normal), odd }
}

/// As [`normal`], for each part of a path by itself, so that a stray `%` spares its own part only
/// and cutting an id out leaves the others as they are.
pub(super) fn normal_path(path: &str) -> Spelling<'_> {
    if !path.contains('%') {
        return Spelling { text: Cow::Borrowed(path), odd: false };
    }
    let mut whole = Spelling { text: Cow::Owned(String::with_capacity(path.len())), odd: false };
    for part in path.split_inclusive(['/', ';']) {
        let spelling = normal(part);
        whole.text.to_mut().push_str(&spelling.text);
        whole.odd |= spelling.odd;
    }
    whole
}

/// The text with every valid escape decoded, once. For looking only, never for a key.
pub(super) fn decoded(text: &str) -> Cow<'_, [u8]> {
    let mut rest = text.as_bytes();
    if !rest.contains(&b'%') {
        return Cow::Borrowed(rest);
    }
    let mut plain = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        match (first, after.get(..2).and_then(escaped_byte)) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                rest = &after[2..];
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(plain)
}

/// True if some segment of the path is `.` or `..` to anybody who might resolve it: plain, encoded,
/// between encoded slashes or backslashes, or followed by path parameters (Tomcat reads `/..;x/` as
/// `/../`) or a NUL.
pub(super) fn has_dot_segments(path: &str) -> bool {
    decoded(path)
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .filter_map(|segment| segment.split(|byte| matches!(byte, b';' | b'\0')).next())
        .any(|name| matches!(name, b"." | b".."))
}

fn is_well_escaped(text: &[u8]) -> bool {
    let mut pieces = text.split(|byte| *byte == b'%').skip(1);
    pieces.all(|piece| piece.get(..2).and_then(escaped_byte).is_some())
}

fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_normal_and_only_decoded_ones_are_odd() {
        for (text, expected, odd) in [
            ("/plain", "/plain", false),
            ("/%7euser", "/~user", true),
            ("/a%2fb", "/a%2Fb", false),
            ("/%c3%a4", "/%C3%A4", false),
            ("/ä%41", "/äA", true),
            ("/%25%34%31", "/%2541", true),
            ("/50%", "/50%", false),
            ("/%%34%31", "/%%34%31", false),
            ("/%4", "/%4", false),
            ("/%zz%41", "/%zz%41", false),
            ("/%ä1", "/%ä1", false),
            ("/%+1", "/%+1", false),
        ] {
            let spelling = normal(text);
            assert_eq!((&*spelling.text, spelling.odd), (expected, odd), "{text}");
        }
    }

    #[test]
    fn dot_segments_are_seen_in_every_disguise() {
        for path in [
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/%2e%2e/a",
            "/a/.%2E",
            "/a%2F..%2Fb",
            "/a%5c..%5cb",
            "/a\\..\\b",
            "/..;x=1/a",
            "/.;/a",
            "/..%3bx/a",
            "/..%00/a",
            "/%zz/../a",
        ] {
            assert!(has_dot_segments(path), "{path}");
        }
        for path in ["/", "/...", "/.well-known/x", "/a..b", "/a.", "/x;y=..", "/%252e%252e"] {
            assert!(!has_dot_segments(path), "{path}");
        }
    }
}
