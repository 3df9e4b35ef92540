//! Some of a body instead of all of it: 206 (RFC 9110 section 15.3.7).

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use std::ops::Range;

/// What is sent of `body`, and what `headers` have to say about it. `ranges` are as
/// [`crate::policy::ranges()`] gives them for this body.
pub(super) fn cut(headers: &mut HeaderMap, body: &Bytes, ranges: &[Range<usize>]) -> Bytes {
    if let [only] = ranges {
        headers.insert(header::CONTENT_RANGE, content_range(Some(only), body.len()));
        // A small part must not keep all of a large body in memory while it is read slowly.
        let is_small = only.len() < body.len() / 2;
        return if is_small {
            Bytes::copy_from_slice(&body[only.clone()])
        } else {
            body.slice(only.clone())
        };
    }
    let boundary = format!("retter-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let kind = headers.remove(header::CONTENT_TYPE);
    let multipart = format!("multipart/byteranges; boundary={boundary}");
    if let Ok(multipart) = HeaderValue::try_from(multipart) {
        headers.insert(header::CONTENT_TYPE, multipart);
    }
    joined(body, ranges, kind.as_ref(), &boundary)
}

/// The value of `Content-Range` (section 14.4); `None` is for an answer that gives no part.
pub(super) fn content_range(part: Option<&Range<usize>>, length: usize) -> HeaderValue {
    let text = match part {
        Some(part) => format!("bytes {}-{}/{length}", part.start, part.end - 1),
        None => format!("bytes */{length}"),
    };
    // Digits and our own words: always a valid value.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("bytes */*"))
}

/// The parts, each with its place and the type of the whole (section 14.6).
fn joined(
    body: &Bytes,
    ranges: &[Range<usize>],
    kind: Option<&HeaderValue>,
    boundary: &str,
) -> Bytes {
    let length = ranges.iter().map(|part| part.len() + PART_HEAD_BYTES).sum();
    let mut all = Vec::with_capacity(length);
    for part in ranges {
        all.extend_from_slice(b"\r\n--");
        all.extend_from_slice(boundary.as_bytes());
        if let Some(kind) = kind {
            all.extend_from_slice(b"\r\nContent-Type: ");
            all.extend_from_slice(kind.as_bytes());
        }
        all.extend_from_slice(b"\r\nContent-Range: ");
        all.extend_from_slice(content_range(Some(part), body.len()).as_bytes());
        all.extend_from_slice(b"\r\n\r\n");
        all.extend_from_slice(&body[part.clone()]);
    }
    all.extend_from_slice(b"\r\n--");
    all.extend_from_slice(boundary.as_bytes());
    all.extend_from_slice(b"--\r\n");
    Bytes::from(all)
}

/// About what stands before a part.
const PART_HEAD_BYTES: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Ranges, ranges};
    use proptest::prelude::*;

    fn cut_of(body: &Bytes, field: &str) -> Option<(HeaderMap, Bytes)> {
        let kind = HeaderValue::from_static("text/plain");
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
        let Ranges::Parts(parts) = ranges(field, body.len()) else { return None };
        let cut = cut(&mut headers, body, &parts);
        Some((headers, cut))
    }

    #[test]
    fn one_part_is_the_body_itself() {
        let (headers, part) = cut_of(&Bytes::from_static(b"0123456789"), "bytes=2-4").unwrap();
        assert_eq!(part, "234");
        assert_eq!(headers[header::CONTENT_RANGE], "bytes 2-4/10");
        assert_eq!(headers[header::CONTENT_TYPE], "text/plain");
    }

    #[test]
    fn several_parts_say_each_where_they_belong() {
        let body = Bytes::from_static(b"0123456789");
        let (headers, parts) = cut_of(&body, "bytes=-1,2-4").unwrap();
        let kind = headers[header::CONTENT_TYPE].to_str().unwrap();
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
        let expected = format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 9-9/10\r\n\r\n9\
             \r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 2-4/10\r\n\r\n234\
             \r\n--{boundary}--\r\n"
        );
        assert_eq!(parts, expected);
        assert!(!headers.contains_key(header::CONTENT_RANGE));
    }

    proptest! {
        #[test]
        fn every_part_is_a_slice_of_the_body(
            body in proptest::collection::vec(any::<u8>(), 1..200),
            asked in proptest::collection::vec((0usize..250, 0usize..50), 1..8),
        ) {
            let body = Bytes::from(body);
            let specs: Vec<_> = asked.iter().map(|(at, more)| format!("{at}-{}", at + more)).collect();
            let field = format!("bytes={}", specs.join(","));
            let Ranges::Parts(parts) = ranges(&field, body.len()) else { return Ok(()) };
            let sent = joined(&body, &parts, None, "b");
            let mut rest = &sent[..];
            for part in parts {
                let place = format!("bytes {}-{}/{}", part.start, part.end - 1, body.len());
                let head = format!("\r\n--b\r\nContent-Range: {place}\r\n\r\n");
                rest = rest.strip_prefix(head.as_bytes()).expect("its head");
                rest = rest.strip_prefix(&body[part]).expect("its bytes");
            }
            prop_assert_eq!(rest, b"\r\n--b--\r\n");
        }
    }
}
