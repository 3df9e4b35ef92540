//! What an answer's head must be to be believed (RFC 9112 section 6.3).
//!
//! hyper parses; this file refuses what hyper lets pass but two readers could read differently.

use super::failure::Failure;
use crate::headers;
use crate::policy::Framing;
use http::header::{self, HeaderMap};
use http::{StatusCode, Version, response};
use http_body::Body;
use hyper::body::Incoming;

/// How the end of the body is known. Repeated equal lengths become one.
///
/// # Errors
/// [`Failure::Malformed`] for a length beside chunks, differing or odd lengths, a coding that is
/// not `chunked` alone, chunks in HTTP/1.0, and a 101 nobody asked for.
pub(super) fn framing(head: &mut response::Parts, body: &Incoming) -> Result<Framing, Failure> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::Malformed);
    }
    let chunked = is_chunked(head)?;
    one_length(&mut head.headers)?;
    // hyper knows which method was asked and which statuses have no body.
    Ok(match body.size_hint().exact() {
        Some(bytes) => Framing::Length(bytes),
        None if chunked => Framing::Chunked,
        None => Framing::Close,
    })
}

/// Is this 101 the one that was asked for? Without the length that some applications send along: it
/// has no body (RFC 9110 section 8.6).
///
/// # Errors
/// [`Failure::Malformed`] for one in HTTP/1.0, to another protocol than WebSocket, or with a body.
pub(super) fn switching(head: &mut response::Parts) -> Result<(), Failure> {
    let turns = head.version == Version::HTTP_11 && headers::turns_to_websocket(&head.headers);
    if headers::frame_a_body(&head.headers) || !turns {
        return Err(Failure::Malformed);
    }
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(())
}

fn is_chunked(head: &response::Parts) -> Result<bool, Failure> {
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(false);
    };
    let alone = codings.next().is_none() && !head.headers.contains_key(header::CONTENT_LENGTH);
    let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if alone && chunked && head.version == Version::HTTP_11 {
        Ok(true)
    } else {
        Err(Failure::Malformed)
    }
}

fn one_length(headers: &mut HeaderMap) -> Result<(), Failure> {
    let mut lengths = headers
        .get_all(header::CONTENT_LENGTH)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii);
    let Some(first) = lengths.next() else {
        return Ok(());
    };
    let length = digits(first).ok_or(Failure::Malformed)?;
    let mut repeated = false;
    for other in lengths {
        if digits(other) != Some(length) {
            return Err(Failure::Malformed);
        }
        repeated = true;
    }
    if repeated {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(())
}

/// `1*DIGIT` (RFC 9110 section 8.6): no sign, no space.
fn digits(text: &[u8]) -> Option<u64> {
    if text.iter().all(u8::is_ascii_digit) {
        std::str::from_utf8(text).ok()?.parse().ok()
    } else {
        None
    }
}
