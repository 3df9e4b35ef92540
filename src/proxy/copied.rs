//! A copy on its way to the visitor: what is said about it, and whether all of it is needed.

use super::asked::{Asked, Kind};
use super::body::Body;
use super::parts;
use super::rescue::Why;
use super::served::Rescue;
use super::suit::{self, Form};
use crate::encoding::{self, Coding};
use crate::headers::{self, CACHE_STATUS};
use crate::policy::{self, Precondition, Ranges};
use crate::store::Copy;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use std::time::{Duration, UNIX_EPOCH};

/// The response: the copy, or less of it if that is what the visitor asked for.
pub(super) async fn of(rescue: &Rescue, asked: &Asked, compress: bool) -> Response<Body> {
    let mut headers = said_of(rescue);
    let form = Form::of(rescue, asked, compress, &mut headers);
    // RFC 9110 sections 13.2.1 and 14.2: both are for answers that would be a 200.
    if rescue.copy.status != StatusCode::OK {
        headers.remove(header::ACCEPT_RANGES);
        return given(rescue, asked, headers, form, |headers, body| {
            whole(rescue.copy.status, headers, body)
        })
        .await;
    }
    match policy::precondition(&asked.head.headers, &headers) {
        Precondition::Holds => {
            given(rescue, asked, headers, form, |headers, body| wanted(asked, headers, body)).await
        }
        Precondition::NotModified => only(StatusCode::NOT_MODIFIED, headers, &WITH_NOT_MODIFIED),
        Precondition::Failed => only(StatusCode::PRECONDITION_FAILED, headers, &WITH_REFUSALS),
    }
}

/// The body in its form. What changes it is done now, and not for a HEAD: its length may be left out
/// then (section 9.3.2).
async fn given(
    rescue: &Rescue,
    asked: &Asked,
    headers: HeaderMap,
    form: Form,
    plain: impl Fn(HeaderMap, Bytes) -> Response<Body>,
) -> Response<Body> {
    let is_changed = form.coding.is_some() || form.decoding.is_some();
    if is_changed && asked.kind == Kind::Head {
        return answer(rescue.copy.status, headers, Body::Whole(Bytes::new()));
    }
    if let Some(coding) = form.coding {
        return encoded(rescue, headers, form.body, coding, plain);
    }
    let Some(coding) = form.decoding else { return plain(headers, form.body) };
    match Box::pin(rescue.forms.decoded(coding, form.body.clone())).await {
        Some(decoded) => plain(headers, decoded),
        // What cannot be decoded is better given as it is than not at all.
        None => plain(said_of(rescue), form.body),
    }
}

/// All of it, compressed: as it rests in the file, if that is its coding; or plain, if there is no
/// room for one more.
fn encoded(
    rescue: &Rescue,
    headers: HeaderMap,
    body: Bytes,
    coding: Coding,
    plain: impl Fn(HeaderMap, Bytes) -> Response<Body>,
) -> Response<Body> {
    if let (Coding::Zstd, Some(at_rest)) = (coding, &rescue.copy.at_rest) {
        return answer(rescue.copy.status, headers, Body::Whole(at_rest.clone()));
    }
    let once =
        |bytes: &Bytes| rescue.forms.of(&rescue.copy, coding, || encoding::encode(coding, bytes));
    match suit::encoded(Body::Whole(body.clone()), coding, once) {
        Ok(encoded) => answer(rescue.copy.status, headers, encoded),
        Err(_) => {
            let mut as_it_is = said_of(rescue);
            headers::vary_on_encoding(&mut as_it_is);
            plain(as_it_is, body)
        }
    }
}

/// The bytes that were asked for.
fn wanted(asked: &Asked, mut headers: HeaderMap, body: Bytes) -> Response<Body> {
    match ranges(asked, &headers, body.len()) {
        Ranges::Whole => {
            // Said of all that has a byte to ask for.
            match body.is_empty() {
                true => headers.remove(header::ACCEPT_RANGES),
                false => headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
            };
            whole(StatusCode::OK, headers, body)
        }
        Ranges::Parts(ranges) => {
            headers::forget_digests(&mut headers);
            let body = parts::cut(&mut headers, &body, &ranges);
            whole(StatusCode::PARTIAL_CONTENT, headers, body)
        }
        Ranges::Unsatisfiable => {
            let mut response = only(StatusCode::RANGE_NOT_SATISFIABLE, headers, &WITH_REFUSALS);
            let all = parts::content_range(None, body.len());
            response.headers_mut().insert(header::CONTENT_RANGE, all);
            response
        }
    }
}

/// A `Range` means something to GET alone (RFC 9110 section 14.2), and two of them mean nothing.
fn ranges(asked: &Asked, sent: &HeaderMap, length: usize) -> Ranges {
    let request = &asked.head.headers;
    let mut fields = request.get_all(header::RANGE).iter();
    let (Some(field), None, Kind::Get) = (fields.next(), fields.next(), asked.kind) else {
        return Ranges::Whole;
    };
    match field.to_str() {
        Ok(field) if policy::range_holds(request, sent) => policy::ranges(field, length),
        _ => Ranges::Whole,
    }
}

/// All of `body`.
fn whole(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Response<Body> {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    answer(status, headers, Body::Whole(body))
}

/// A word about the copy instead of the copy: with those of its fields that are wanted then.
fn only(status: StatusCode, headers: HeaderMap, wanted: &[HeaderName]) -> Response<Body> {
    let mut kept = HeaderMap::with_capacity(wanted.len() + HEADERS_MORE);
    for (name, value) in headers.iter().filter(|(name, _)| wanted.contains(name)) {
        kept.append(name, value.clone());
    }
    answer(status, kept, Body::Whole(Bytes::new()))
}

fn answer(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The fields it was stored with, its age, why it is here, and nothing that would let a cache
/// downstream hold on to it.
fn said_of(rescue: &Rescue) -> HeaderMap {
    let mut headers = rescue.copy.headers.clone();
    headers.reserve(HEADERS_MORE);
    headers.insert(header::AGE, HeaderValue::from(age(rescue)));
    headers.insert(header::CACHE_CONTROL, downstream(&rescue.copy));
    headers::take_off(&mut headers, &PINS);
    headers.append(CACHE_STATUS, cache_status(rescue));
    keep_date(rescue, &mut headers);
    headers
}

/// What a cache downstream may do with a copy: nothing without asking again.
fn downstream(copy: &Copy) -> HeaderValue {
    let (mut no_store, mut private) = (false, copy.why.is_personal());
    for directive in headers::list(&copy.headers, &header::CACHE_CONTROL) {
        no_store |= directive.eq_ignore_ascii_case("no-store");
        private |= directive.eq_ignore_ascii_case("private");
    }
    HeaderValue::from_static(match (no_store, private) {
        (true, _) => "no-store",
        (false, true) => "private, no-cache",
        (false, false) => "no-cache",
    })
}

/// RFC 9211: `hit` where the application was not asked, `fwd=stale` where it was, in vain.
fn cache_status(rescue: &Rescue) -> HeaderValue {
    // Put together by hand: `format!` is among what costs most in a rescue from memory.
    let mut text = String::with_capacity(USUAL_STATUS_BYTES);
    let (begin, number) = match rescue.why {
        Why::Joined => ("retter; fwd=miss; collapsed", None),
        Why::NotAsked(_) | Why::ForcedOpen | Why::GateFull => {
            ("retter; hit; ttl=", Some(ttl(rescue)))
        }
        Why::Status(status) => ("retter; fwd=stale; fwd-status=", Some(status.as_u16().into())),
        Why::Failure(_) | Why::Patience => ("retter; fwd=stale", None),
    };
    text.push_str(begin);
    if let Some(number) = number {
        text.push_str(&number.to_string());
    }
    text.push_str("; detail=");
    text.push_str(rescue.why.as_str());
    // Numbers and our own words: always a valid value.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("retter"))
}

/// Seconds since the application made it (RFC 9111 section 4.2.3): the age it came with, and the
/// time it has been here.
fn age(rescue: &Rescue) -> u64 {
    let came_with = headers::text(&rescue.copy.headers, &header::AGE);
    let came_with: u64 = came_with.and_then(|age| age.parse().ok()).unwrap_or(0);
    came_with.saturating_add(rescue.age.as_secs())
}

/// Seconds of freshness left; none, or negative, when it is over. A purged copy has none.
fn ttl(rescue: &Rescue) -> i64 {
    let left = rescue.ttl.as_secs() as i64 - age(rescue) as i64;
    if rescue.copy.purged { left.min(0) } else { left }
}

/// An old page keeps its old date: without one hyper would write today's (RFC 9110 section 6.6.1).
fn keep_date(rescue: &Rescue, headers: &mut HeaderMap) {
    if headers.contains_key(header::DATE) {
        return;
    }
    let stored = UNIX_EPOCH + Duration::from_millis(rescue.copy.stored_at.0);
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(stored)) {
        headers.insert(header::DATE, date);
    }
}

/// RFC 9110 section 15.4.5, and what RETTER says about every copy. `Expires` is none of a copy's.
static WITH_NOT_MODIFIED: [HeaderName; 7] = [
    header::AGE,
    header::CACHE_CONTROL,
    CACHE_STATUS,
    header::CONTENT_LOCATION,
    header::DATE,
    header::ETAG,
    header::VARY,
];
/// What an answer keeps that says why the copy is not given.
static WITH_REFUSALS: [HeaderName; 5] =
    [header::AGE, header::CACHE_CONTROL, CACHE_STATUS, header::ETAG, header::VARY];
/// Fields that are added to those of a copy, with all that is said of its coding and its source.
const HEADERS_MORE: usize = 8;
/// More than most values of `Cache-Status` have.
const USUAL_STATUS_BYTES: usize = 96;
/// Other ways to tell a cache downstream that it may hold on to an answer.
static PINS: [HeaderName; 3] =
    [HeaderName::from_static("cdn-cache-control"), header::EXPIRES, header::PRAGMA];
