//! Answers in the coding that their reader likes best (RFC 9110 section 12.5.3).
//!
//! The application's are compressed where it did not do so itself; copies besides are given in the
//! coding they have, or without it to a reader who cannot take it off.

use super::asked::{Asked, Kind};
use super::body::Body;
use super::coded::PIECE_BYTES;
use super::served::Rescue;
use crate::encoding::{self, Accepts, Coding, Encoder};
use crate::headers;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{StatusCode, Version, response};

/// The body of an answer of the application, and its head made to say what was done.
pub(super) fn passed(head: &mut response::Parts, body: Body, asked: &Asked) -> Body {
    let fields = &mut head.headers;
    if head.status == StatusCode::NOT_MODIFIED {
        say_as_the_page_did(fields, asked);
        return body;
    }
    let length = length(fields, &body, asked.kind);
    if head.status != StatusCode::OK
        || !encoding::is_worth_encoding(fields, length)
        || asked.head.headers.contains_key(header::RANGE)
    {
        return body;
    }
    headers::vary_on_encoding(fields);
    let Some(coding) = best(asked) else { return body };
    if asked.kind == Kind::Head {
        // What the body of the GET would be is not known before it is made.
        encoding::mark_encoded(fields, coding);
        return body;
    }
    match encoded(body, coding, |bytes| encoding::encode(coding, bytes)) {
        Ok(body) => {
            encoding::mark_encoded(fields, coding);
            body
        }
        Err(body) => body,
    }
}

/// Who asks by the weakened tag was given the page in another coding: this answer is about that one
/// (RFC 9110 section 15.4.5).
fn say_as_the_page_did(not_modified: &mut HeaderMap, asked: &Asked) {
    let Some(tag) = headers::strong_etag(not_modified) else { return };
    let weak = [b"W/", tag.as_bytes()].concat();
    let lines = asked.head.headers.get_all(header::IF_NONE_MATCH).iter();
    if lines.into_iter().any(|line| line.as_bytes().windows(weak.len()).any(|part| part == weak)) {
        headers::weaken_etag(not_modified);
        headers::vary_on_encoding(not_modified);
    }
}

/// A copy's body as it will be given.
pub(super) struct Form {
    /// What ranges are counted in, when what is to be taken off is off.
    pub(super) body: Bytes,
    /// Taken off when it is known that the body is wanted: the fields say that it is already.
    pub(super) decoding: Option<String>,
    /// Put on when it is known that all of it is wanted.
    pub(super) coding: Option<Coding>,
}

impl Form {
    /// The best form for this reader; `fields` are made to say which it is.
    pub(super) fn of(
        rescue: &Rescue,
        asked: &Asked,
        compress: bool,
        fields: &mut HeaderMap,
    ) -> Self {
        let body = rescue.copy.body.clone();
        if let Some(coding) = headers::text(&rescue.copy.headers, &header::CONTENT_ENCODING) {
            let decoding =
                is_to_be_decoded(coding, rescue, asked, fields).then(|| coding.to_owned());
            if decoding.is_some() {
                encoding::mark_decoded(fields);
            }
            return Self { body, decoding, coding: None };
        }
        let length = Some(body.len() as u64);
        if !compress
            || rescue.copy.status != StatusCode::OK
            // As it was stored: what is said of a copy has another `Cache-Control`.
            || !encoding::is_worth_encoding(&rescue.copy.headers, length)
        {
            return Self { body, decoding: None, coding: None };
        }
        headers::vary_on_encoding(fields);
        let coding = best(asked).filter(|_| !prefers_parts(asked));
        if let Some(coding) = coding {
            encoding::mark_encoded(fields, coding);
        }
        Self { body, decoding: None, coding }
    }
}

/// `body` in `coding`: made by `in_one_piece` if it is short. Or as it was, if there is no room for one
/// more.
pub(super) fn encoded(
    body: Body,
    coding: Coding,
    in_one_piece: impl FnOnce(&Bytes) -> Option<Bytes>,
) -> Result<Body, Body> {
    if let Body::Whole(bytes) = &body
        && bytes.len() <= PIECE_BYTES
    {
        return in_one_piece(bytes).map(Body::Whole).ok_or(body);
    }
    match Encoder::begin(coding) {
        Some(encoder) => Ok(Body::coded(body, encoder)),
        None => Err(body),
    }
}

/// A copy that the application encoded is given as it is where that is at least as welcome as plain
/// bytes, or where nobody may take it off.
fn is_to_be_decoded(coding: &str, rescue: &Rescue, asked: &Asked, fields: &mut HeaderMap) -> bool {
    let stays = !encoding::is_decodable(coding)
        || encoding::forbids_transforming(&rescue.copy.headers)
        || encoding::forbids_transforming(&asked.head.headers);
    if stays {
        return false;
    }
    headers::vary_on_encoding(fields);
    let accepts = accepts(asked);
    !accepts.accepts(coding) || accepts.quality(coding) < accepts.quality("identity")
}

/// The coding to put on. Not for HTTP/1.0, whose connections end with a body of unknown length.
fn best(asked: &Asked) -> Option<Coding> {
    let is_old = asked.head.version < Version::HTTP_11;
    if is_old || encoding::forbids_transforming(&asked.head.headers) {
        return None;
    }
    accepts(asked).best()
}

/// Parts of the plain bytes are worth more than a coding that would make them differ every time.
fn prefers_parts(asked: &Asked) -> bool {
    let asks = asked.is_get() && asked.head.headers.contains_key(header::RANGE);
    asks && accepts(asked).accepts("identity")
}

fn accepts(asked: &Asked) -> Accepts<'_> {
    Accepts::of(asked.accept_encoding.as_ref().and_then(|field| field.to_str().ok()))
}

/// Of the body that a GET has, or would have.
fn length(fields: &HeaderMap, body: &Body, kind: Kind) -> Option<u64> {
    if kind == Kind::Head {
        return headers::text(fields, &header::CONTENT_LENGTH)?.parse().ok();
    }
    body.length()
}
