//! What is turned away before anything is asked, and the one spelling in which the rest goes on.
//!
//! After the door a request has its target in origin-form and its host in `Host` alone, so that
//! the key and the application cannot read two different addresses out of it.

use super::Settings;
use super::served::Refusal;
use crate::headers::{self, Client, Scheme, Via};
use crate::key;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, Parts as UriParts, PathAndQuery};
use http::{Method, StatusCode, Uri, Version, request};

/// Lets a request in, or says why not.
pub(super) fn admit(
    head: &mut request::Parts,
    client: &Client,
    via: &Via,
    settings: &Settings,
) -> Result<(), Refusal> {
    if target_length(&head.uri) > settings.uri {
        return Err(Refusal::door(StatusCode::URI_TOO_LONG, "uri-too-long"));
    }
    if head.method == Method::CONNECT {
        return Err(Refusal::door(StatusCode::METHOD_NOT_ALLOWED, "connect"));
    }
    // Most have none of these, and a look at the names is cheaper than three searches.
    if head.headers.keys().any(is_judged) {
        judge(&head.headers, via)?;
    }
    agree_on_host(head)?;
    if !client.trusted {
        headers::take_off_claims(&mut head.headers);
    }
    Ok(())
}

/// Whoever judges another field in [`judge`] names it here.
fn is_judged(name: &HeaderName) -> bool {
    matches!(*name, header::EXPECT | header::TRANSFER_ENCODING | header::VIA)
}

fn judge(fields: &HeaderMap, via: &Via) -> Result<(), Refusal> {
    if !expects_what_we_offer(fields) {
        return Err(Refusal::door(StatusCode::EXPECTATION_FAILED, "expectation"));
    }
    // The base URL leads back to RETTER.
    if via.is_in(fields) {
        return Err(Refusal::door(StatusCode::LOOP_DETECTED, "loop"));
    }
    if !is_framed_in_one_way(fields) {
        return Err(Refusal::door(StatusCode::BAD_REQUEST, "coding"));
    }
    Ok(())
}

fn target_length(uri: &Uri) -> usize {
    uri.path_and_query().map_or(0, |target| target.as_str().len())
}

/// RFC 9110 section 10.1.1 knows one expectation, which hyper meets when the application reads.
fn expects_what_we_offer(headers: &HeaderMap) -> bool {
    let mut expected = headers.get_all(header::EXPECT).iter();
    expected.all(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// One coding, said once (RFC 9112 section 6.1): hyper looks at the last one alone, and would pass on
/// what is coded in another way before.
fn is_framed_in_one_way(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next();
    first.is_none_or(|it| it.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none()
}

/// One host, said once (RFC 9112 section 3.2): in `Host`, or in an absolute target that agrees
/// with it.
fn agree_on_host(head: &mut request::Parts) -> Result<(), Refusal> {
    let bad = |reason| Err(Refusal::door(StatusCode::BAD_REQUEST, reason));
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return bad("two-hosts");
    }
    let target = head.uri.authority().map(|target| target.as_str().as_bytes());
    let named = target.or(host.map(HeaderValue::as_bytes));
    if named.is_some_and(|name| !name.is_empty() && !key::is_host(name)) {
        return bad("bad-host");
    }
    match (head.uri.authority(), host) {
        (None, None) if head.version >= Version::HTTP_11 => return bad("no-host"),
        (None, _) => return Ok(()),
        (Some(_), Some(host)) if !names(&head.uri, host) => return bad("other-host"),
        (Some(target), _) => {
            let Ok(host) = HeaderValue::from_str(target.as_str()) else { return bad("bad-host") };
            head.headers.insert(header::HOST, host);
        }
    }
    head.uri = origin_form(&head.uri);
    Ok(())
}

/// The port that its scheme has anyway need not be said on both sides.
fn names(target: &Uri, host: &HeaderValue) -> bool {
    let scheme = target.scheme_str().and_then(Scheme::named).unwrap_or_default();
    let named = target.authority().map_or("", Authority::as_str);
    key::is_same_host(named.as_bytes(), host.as_bytes(), scheme)
}

/// An empty path is `/` (RFC 9112 section 3.2.1). `OPTIONS http://host` should become `OPTIONS *`
/// (section 3.2.4), and a fragment should be refused; but the `http` crate reads the one as
/// `http://host/`, which is another request, and cuts off the other, before anybody can see it.
fn origin_form(uri: &Uri) -> Uri {
    let mut parts = UriParts::default();
    let target = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let target = match target.as_str().starts_with('?') {
        true => ["/", target.as_str()].concat().parse().unwrap_or(target),
        false => target,
    };
    parts.path_and_query = Some(target);
    // A path and query that was parsed before is a valid target by itself.
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::ErrorPage;
    use http::Request;
    use std::net::IpAddr;

    fn via() -> Via {
        Via::new("retter-me".to_owned())
    }

    fn stranger() -> Client {
        Client::new(IpAddr::from([203, 0, 113, 7]), false)
    }

    fn settings() -> Settings {
        Settings {
            compress: true,
            ttl: std::time::Duration::ZERO,
            patience: std::time::Duration::ZERO,
            tunnel_idle: std::time::Duration::ZERO,
            uri: 20,
            body: 0,
            error_page: ErrorPage::BuiltIn,
            key: Default::default(),
            policy: Default::default(),
        }
    }

    fn asked(version: Version, target: &str, fields: &[(&str, &str)]) -> request::Parts {
        let request = Request::builder().version(version).uri(target);
        let request =
            fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn refused(mut head: request::Parts) -> Option<u16> {
        admit(&mut head, &stranger(), &via(), &settings())
            .err()
            .map(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn a_host_is_said_once_or_not_at_all_in_1_0() {
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        assert_eq!(refused(asked(new, "/", &[("host", "a")])), None);
        assert_eq!(refused(asked(old, "/", &[])), None);
        assert_eq!(refused(asked(new, "/", &[])), Some(400));
        assert_eq!(refused(asked(old, "/", &[("host", "a"), ("host", "a")])), Some(400));
        assert_eq!(refused(asked(new, "http://b/", &[("host", "a")])), Some(400));
        assert_eq!(refused(asked(new, "http://A:80/", &[("host", "a:80")])), None);
        assert_eq!(refused(asked(new, "http://A:80/", &[("host", "a")])), None);
        assert_eq!(refused(asked(new, "http://a/", &[("host", "A:80")])), None);
        assert_eq!(refused(asked(new, "http://a/", &[("host", "a:443")])), Some(400));
        assert_eq!(refused(asked(new, "http://a/", &[("host", "")])), Some(400));
        assert_eq!(refused(asked(old, "http://user@a/", &[])), Some(400));
        assert_eq!(refused(asked(new, "/", &[("host", "a b")])), Some(400));
    }

    #[test]
    fn after_the_door_only_host_names_the_host() {
        let mut head = asked(Version::HTTP_10, "http://shop.example/a?b", &[]);
        assert!(admit(&mut head, &stranger(), &via(), &settings()).is_ok());
        assert_eq!(head.uri.to_string(), "/a?b");
        assert_eq!(head.headers[header::HOST], "shop.example");
        let mut head = asked(Version::HTTP_11, "http://a?b", &[("host", "a")]);
        assert!(admit(&mut head, &stranger(), &via(), &settings()).is_ok());
        assert_eq!(head.uri.path_and_query().map(|it| it.as_str()), Some("/?b"));
    }

    #[test]
    fn odd_expectations_and_long_targets_are_turned_away() {
        let plain = |expect| asked(Version::HTTP_11, "/", &[("host", "a"), ("expect", expect)]);
        assert_eq!(refused(plain("100-Continue")), None);
        assert_eq!(refused(plain("200-maybe")), Some(417));
        let target = |length: usize| format!("/{}", "a".repeat(length - 1));
        let long = |length| asked(Version::HTTP_11, &target(length), &[("host", "a")]);
        assert_eq!((refused(long(20)), refused(long(21))), (None, Some(414)));
    }

    #[test]
    fn one_coding_said_once_is_one_reading() {
        let coded = |codings: &[&str]| {
            let fields = codings.iter().map(|coding| ("transfer-encoding", *coding));
            let fields: Vec<_> = [("host", "a")].into_iter().chain(fields).collect();
            refused(asked(Version::HTTP_11, "/", &fields))
        };
        for codings in [&[][..], &["chunked"], &["Chunked"]] {
            assert_eq!(coded(codings), None, "{codings:?}");
        }
        for codings in [&["gzip, chunked"][..], &["gzip", "chunked"], &["chunked", "chunked"]] {
            assert_eq!(coded(codings), Some(400), "{codings:?}");
        }
    }

    #[test]
    fn what_came_through_here_before_is_a_loop() {
        let again = [("host", "a"), ("via", "1.0 other, 1.1 retter-me")];
        assert_eq!(refused(asked(Version::HTTP_11, "/", &again)), Some(508));
        let hidden = [("host", "a"), ("via", "1.0 \u{fc}, 1.1 retter-me")];
        assert_eq!(refused(asked(Version::HTTP_11, "/", &hidden)), Some(508));
        let other = [("host", "a"), ("via", "1.1 retter-other")];
        assert_eq!(refused(asked(Version::HTTP_11, "/", &other)), None);
    }
}
