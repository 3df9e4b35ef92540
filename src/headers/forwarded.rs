//! What a proxy in front says in `Forwarded` (RFC 7239) alone, for applications that read the other
//! names.

use super::{Scheme, members};
use http::header::{self, HeaderMap, HeaderValue};
use std::net::{IpAddr, SocketAddr};

/// By the proxy itself: of several members its own is the last.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Forwarded {
    pub(super) address: Option<IpAddr>,
    pub(super) scheme: Option<Scheme>,
    pub(super) host: Option<HeaderValue>,
}

impl Forwarded {
    /// Without regard to the separators inside quotes: no address, scheme or host has any.
    pub(super) fn read(received: &HeaderMap) -> Self {
        let mut told = Self::default();
        for member in members(received, &header::FORWARDED) {
            // What an earlier one says may be the visitor's own word.
            told = Self::default();
            for (name, value) in member.split(|byte| *byte == b';').filter_map(pair) {
                if name.eq_ignore_ascii_case(b"for") {
                    told.address = address(value);
                } else if name.eq_ignore_ascii_case(b"proto") {
                    told.scheme = scheme(value);
                } else if name.eq_ignore_ascii_case(b"host") {
                    told.host = host(value);
                }
            }
        }
        told
    }
}

/// An address with or without a port, as `Forwarded` and `X-Forwarded-For` have it.
pub(super) fn address(node: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(node).ok()?;
    let whole = || text.parse::<SocketAddr>().map(|it| it.ip()).ok();
    let inside = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(whole).or_else(inside)
}

fn scheme(value: &[u8]) -> Option<Scheme> {
    Scheme::named(&std::str::from_utf8(value).ok()?.to_ascii_lowercase())
}

fn host(value: &[u8]) -> Option<HeaderValue> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    let is_host = !value.is_empty() && value.iter().all(is_plain);
    is_host.then(|| HeaderValue::from_bytes(value).ok()).flatten()
}

/// Without the quotes around the value.
fn pair(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
    let inside = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some((name, inside.unwrap_or(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &'static str) -> Forwarded {
        let fields = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_static(line))]);
        Forwarded::read(&fields)
    }

    #[test]
    fn the_last_member_alone_is_the_proxys() {
        let https = Forwarded { scheme: Some(Scheme::Https), ..Forwarded::default() };
        assert_eq!(told("proto=HTTPS"), https);
        for claimed in ["proto=https, for=unknown", "host=evil.example;for=10.0.0.1, by=10.0.0.2"] {
            assert_eq!(told(claimed), Forwarded::default(), "{claimed}");
        }
        let both =
            told("for=10.0.0.1;proto=http, For = \"[2001:db8::1]:47\" ; host=\"a:80\";proto=x");
        assert_eq!(both.address, Some("2001:db8::1".parse().unwrap()));
        assert_eq!((both.scheme, both.host), (None, Some(HeaderValue::from_static("a:80"))));
    }

    #[test]
    fn what_is_no_address_is_none() {
        for node in ["unknown", "_hidden", "", "[::1", "10.0.0.1:x", "::1:80:x", "[10.0.0.1]:80"] {
            assert_eq!(address(node.as_bytes()), None, "{node}");
        }
        for (node, expected) in
            [("10.0.0.1", "10.0.0.1"), ("10.0.0.1:80", "10.0.0.1"), ("[::1]", "::1")]
        {
            assert_eq!(address(node.as_bytes()), expected.parse().ok(), "{node}");
        }
        assert_eq!(told("host=\"a b\"").host, None);
    }
}
