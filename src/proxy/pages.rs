//! Our own short pages, for when there is neither an answer nor a copy. They say what a visitor
//! can do and never name the application.

use super::ErrorPage;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use std::time::Duration;

/// A page for `status`, as JSON for a client that asks for it and as HTML otherwise: the
/// operator's for the three statuses of an outage, if he has one.
pub(super) fn page(
    status: StatusCode,
    retry_after: Option<Duration>,
    asked: &HeaderMap,
    operators: &ErrorPage,
) -> Response<Bytes> {
    let json = wants_json(asked);
    let body = match operators {
        _ if json => Bytes::from(as_json(status)),
        ErrorPage::File { html, .. } if is_outage(status) => html.clone(),
        _ => Bytes::from(as_html(status)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(json)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(wait) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    response
}

fn is_outage(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

fn wants_json(asked: &HeaderMap) -> bool {
    let accept = asked.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    accept.contains("json") && !accept.contains("html")
}

fn media_type(json: bool) -> &'static str {
    if json { "application/json" } else { "text/html; charset=utf-8" }
}

fn as_json(status: StatusCode) -> String {
    format!("{{\"status\":{},\"message\":\"{}\"}}\n", status.as_u16(), says(status))
}

fn as_html(status: StatusCode) -> String {
    let (code, message) = (status.as_u16(), says(status));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{code}</title>\
         <body style=\"font:1.1em/1.5 sans-serif;max-width:36em;margin:15vh auto;padding:0 1em\">\
         <h1>{code}</h1><p>{message}</p></body></html>\n"
    )
}

fn says(status: StatusCode) -> &'static str {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            "This site has more to do than it can manage. Please try again in a moment."
        }
        StatusCode::GATEWAY_TIMEOUT => "This site takes too long to answer. Please try again.",
        StatusCode::BAD_GATEWAY => "This site cannot be reached at the moment. Please try again.",
        StatusCode::PAYLOAD_TOO_LARGE => "What was sent is too large.",
        StatusCode::URI_TOO_LONG => "The address of this request is too long.",
        StatusCode::EXPECTATION_FAILED => "This request expects something that is not offered.",
        StatusCode::LOOP_DETECTED => "This request has been here before: it goes round in a loop.",
        StatusCode::METHOD_NOT_ALLOWED => "This method is not offered here.",
        _ => "This request was broken off or could not be understood.",
    }
}

/// `Retry-After` knows whole seconds only (RFC 9110 section 10.2.3); never sooner than asked.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}
