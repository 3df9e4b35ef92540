//! From what was served to what goes out: the head, with what RETTER says about it.

use super::asked::Asked;
use super::body::Body;
use super::copied;
use super::errand::Answer;
use super::pages;
use super::served::{Refusal, Served};
use super::{ErrorPage, Settings, suit};
use crate::breaker::State;
use crate::headers::{self, Names, X_CIRCUIT, X_RETTER};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version, request};
use std::cell::Cell;

/// The response for `served`. `circuit` is the breakers' state as this head is written.
pub(super) async fn of(
    served: Served,
    asked: &Asked,
    circuit: State,
    settings: &Settings,
) -> Response<Body> {
    let compress = settings.compress;
    let from = served.as_str();
    let rescued = matches!(served, Served::Rescued(_));
    let mut response = match served {
        Served::Backend(answer) | Served::Failed(answer, _) => passed(answer, asked, compress),
        // Boxed: most answers would make room for it in vain.
        Served::Rescued(rescue) => Box::pin(copied::of(&rescue, asked, compress)).await,
        Served::Refused(refusal) => refused(refusal, &asked.head.headers, &settings.error_page),
    };
    if asked.is_get() || rescued {
        let headers = response.headers_mut();
        headers.insert(X_RETTER, HeaderValue::from_static(from));
        headers.insert(X_CIRCUIT, HeaderValue::from_static(circuit.as_str()));
    }
    response
}

/// The application's answer with its end-to-end fields. Only RETTER speaks under RETTER's names.
fn passed(answer: Answer, asked: &Asked, compress: bool) -> Response<Body> {
    let Answer { mut head, mut body } = answer;
    let is_ours = |name: &HeaderName| *name == X_RETTER || *name == X_CIRCUIT;
    // RFC 9110 section 8.6: a 204 has no length.
    let has_no_length = head.status == StatusCode::NO_CONTENT;
    let is_untrue = |name: &HeaderName| has_no_length && *name == header::CONTENT_LENGTH;
    let announces = Cell::new(false);
    headers::retain_end_to_end(&mut head.headers, |name| {
        if *name == header::TRAILER {
            announces.set(true);
        }
        !is_ours(name) && !is_untrue(name)
    });
    if announces.get() {
        announce(&mut head.headers, &asked.head);
    }
    if matches!(body, Body::Tunnel(_)) {
        headers::say_websocket(&mut head.headers);
    } else if compress {
        body = suit::passed(&mut head, body, asked);
    }
    Response::from_parts(*head, body)
}

/// The trailers that are to come, to a visitor who takes any (RFC 9110 section 6.5.1).
fn announce(answer: &mut HeaderMap, asked: &request::Parts) {
    if asked.version >= Version::HTTP_11 && headers::takes_trailers(&asked.headers) {
        headers::cut_trailer(answer, Names::All);
    } else {
        answer.remove(header::TRAILER);
    }
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

/// Methods that are passed on; others are as well, except CONNECT (RFC 9110 section 15.5.6).
const ALLOWED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
