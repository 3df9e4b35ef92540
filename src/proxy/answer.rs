//! From what was served to what goes out: the head, with what RETTER says about it.

use super::ErrorPage;
use super::asked::{Asked, Kind};
use super::body::Body;
use super::errand::Answer;
use super::pages;
use super::rescue::Why;
use super::served::{Refusal, Rescue, Served};
use crate::breaker::State;
use crate::encoding::{self, Accepts};
use crate::headers::{self, CACHE_STATUS, X_CIRCUIT, X_RETTER};
use crate::store::Copy;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use std::time::{Duration, UNIX_EPOCH};

/// The response for `served`. `circuit` is the breakers' state as this head is written.
pub(super) fn of(
    served: Served,
    asked: &Asked,
    circuit: State,
    page: &ErrorPage,
) -> Response<Body> {
    let from = served.as_str();
    let rescued = matches!(served, Served::Rescued(_));
    let mut response = match served {
        Served::Backend(answer) | Served::Failed(answer, _) => passed(answer),
        Served::Rescued(rescue) => copied(rescue, asked.accept_encoding.as_ref()),
        Served::Refused(refusal) => refused(refusal, &asked.head.headers, page),
    };
    if asked.kind == Kind::Get || rescued {
        let headers = response.headers_mut();
        headers.insert(X_RETTER, HeaderValue::from_static(from));
        headers.insert(X_CIRCUIT, HeaderValue::from_static(circuit.as_str()));
    }
    response
}

/// The application's answer with its end-to-end fields. Only RETTER speaks under RETTER's names.
fn passed(answer: Answer) -> Response<Body> {
    let Answer { mut head, body } = answer;
    let is_ours = |name: &HeaderName| *name == X_RETTER || *name == X_CIRCUIT;
    // RFC 9110 section 8.6: a 204 has no length.
    let has_no_length = head.status == StatusCode::NO_CONTENT;
    let is_untrue = |name: &HeaderName| has_no_length && *name == header::CONTENT_LENGTH;
    headers::retain_end_to_end(&mut head.headers, |name| !is_ours(name) && !is_untrue(name));
    Response::from_parts(head, body)
}

fn refused(refusal: Refusal, asked: &HeaderMap, page: &ErrorPage) -> Response<Body> {
    let mut response =
        pages::page(refusal.status, refusal.retry_after, asked, page).map(Body::Whole);
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(ALLOWED));
    }
    if refusal.closes {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A copy: as it was stored, with its age, why it is here, and nothing that would let a cache
/// downstream hold on to it.
fn copied(rescue: Rescue, accept_encoding: Option<&HeaderValue>) -> Response<Body> {
    let mut headers = rescue.copy.headers.clone();
    let body = readable(&rescue, accept_encoding, &mut headers);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::AGE, HeaderValue::from(age(&rescue)));
    headers.insert(header::CACHE_CONTROL, downstream(&rescue.copy));
    for pins in PINS {
        headers.remove(pins);
    }
    headers.append(CACHE_STATUS, cache_status(&rescue));
    keep_date(&rescue, &mut headers);
    let mut response = Response::new(Body::Whole(body));
    *response.status_mut() = rescue.copy.status;
    *response.headers_mut() = headers;
    response
}

/// The body in a coding that the reader takes (RFC 9110 section 12.5.3).
fn readable(
    rescue: &Rescue,
    accept_encoding: Option<&HeaderValue>,
    headers: &mut HeaderMap,
) -> Bytes {
    let body = &rescue.copy.body;
    let Some(coding) = headers::text(headers, &header::CONTENT_ENCODING) else {
        return body.clone();
    };
    if Accepts::of(accept_encoding.and_then(|it| it.to_str().ok())).accepts(coding) {
        return body.clone();
    }
    // What cannot be decoded is better given as it is than not at all.
    let Ok(decoded) = encoding::decode(coding, body, DECODED_BYTES) else { return body.clone() };
    headers.remove(header::CONTENT_ENCODING);
    headers::weaken_etag(headers);
    headers::vary_on_encoding(headers);
    decoded
}

/// What a cache downstream may do with a copy: nothing without asking again.
fn downstream(copy: &Copy) -> HeaderValue {
    let said = |directive: &str| {
        headers::list(&copy.headers, &header::CACHE_CONTROL)
            .any(|member| member.eq_ignore_ascii_case(directive))
    };
    HeaderValue::from_static(if said("no-store") {
        "no-store"
    } else if copy.why.is_personal() || said("private") {
        "private, no-cache"
    } else {
        "no-cache"
    })
}

/// RFC 9211: `hit` where the application was not asked, `fwd=stale` where it was, in vain.
fn cache_status(rescue: &Rescue) -> HeaderValue {
    let detail = rescue.why.as_str();
    let text = match rescue.why {
        Why::NotAsked(_) => format!("retter; hit; ttl={}; detail={detail}", ttl(rescue)),
        Why::Status(status) => {
            format!("retter; fwd=stale; fwd-status={}; detail={detail}", status.as_u16())
        }
        Why::Failure(_) => format!("retter; fwd=stale; detail={detail}"),
    };
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

/// Methods that are passed on; others are as well, except CONNECT (RFC 9110 section 15.5.6).
const ALLOWED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/// Other ways to tell a cache downstream that it may hold on to an answer.
const PINS: [&str; 3] = ["cdn-cache-control", "expires", "pragma"];
/// A copy is at most `cache.maxbody` long as it was sent; decoded it may be this long, in bytes.
const DECODED_BYTES: usize = 64 * 1024 * 1024;
