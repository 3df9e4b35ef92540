//! An HTTP/2 request in the spelling of HTTP/1.1, so that everything behind the door reads one.
//!
//! `:authority` stays in the target: the door (`proxy::door`) makes `Host` of it, and refuses a
//! `Host` that says something else. `Connection` and its kind do not get here: to the h2 crate they
//! make a request malformed (RFC 9113 section 8.2.2).

use super::Settings;
use bytes::{BufMut, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, StatusCode, Version};
use http_body::Body;

/// Rewrites the head, or says why this is no request to go on with.
pub(super) fn as_http1<B: Body>(
    request: &mut Request<B>,
    settings: &Settings,
) -> Result<(), StatusCode> {
    *request.version_mut() = Version::HTTP_11;
    if !has_path(request) && request.method() != Method::CONNECT {
        return Err(StatusCode::BAD_REQUEST);
    }
    join_cookies(request.headers_mut());
    if request.headers().len() > settings.header_lines {
        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    // It has a body, of which in HTTP/2 no field need tell; whoever looks for one must find it.
    let is_told = request.headers().contains_key(header::CONTENT_LENGTH);
    if !request.body().is_end_stream() && !is_told {
        let chunked = HeaderValue::from_static("chunked");
        request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
    }
    Ok(())
}

/// `:path` as it came begins with a slash (RFC 9113 section 8.3.1): of `?a` the parsed one says that
/// its path is `/`, and whoever reads the bytes says something else.
fn has_path<B>(request: &Request<B>) -> bool {
    let path = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
    path.starts_with('/') || (path == "*" && request.method() == Method::OPTIONS)
}

/// Clients may divide `Cookie`, to compress it better; elsewhere it is one line (RFC 9113 section
/// 8.2.3). Divided otherwise the same visitor would be another one.
fn join_cookies(fields: &mut HeaderMap) {
    let mut crumbs = fields.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (crumbs.next(), crumbs.next()) else { return };
    let mut whole = BytesMut::from(first.as_bytes());
    for crumb in [second].into_iter().chain(crumbs) {
        whole.put_slice(b"; ");
        whole.put_slice(crumb.as_bytes());
    }
    // Each was a value, and so is this.
    if let Ok(whole) = HeaderValue::from_maybe_shared(whole.freeze()) {
        fields.insert(header::COOKIE, whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crumbs_become_one_cookie_and_the_order_stays() {
        let mut fields = HeaderMap::new();
        for crumb in ["a=1", "b=2; c=3", "d=4"] {
            fields.append(header::COOKIE, HeaderValue::from_static(crumb));
        }
        join_cookies(&mut fields);
        let lines: Vec<_> = fields.get_all(header::COOKIE).iter().collect();
        assert_eq!(lines, ["a=1; b=2; c=3; d=4"]);
        join_cookies(&mut fields);
        assert_eq!(fields.len(), 1);
    }
}
