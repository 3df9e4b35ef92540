//! The host of a request, in its normal spelling.

use super::NoKey;
use crate::headers::Scheme;
use http::{HeaderValue, Uri};

/// Lower case, without the scheme's default port. From the target if it is absolute (RFC 9112 section 3.2.2),
/// else from `Host`; if both speak, they must agree.
pub(super) fn of(uri: &Uri, field: Option<&HeaderValue>, scheme: Scheme) -> Result<String, NoKey> {
    let told = field.map(|field| normal(field.as_bytes(), scheme)).transpose()?;
    match (uri.authority(), told) {
        (None, Some(host)) => Ok(host),
        (Some(target), told) => {
            let host = normal(target.as_str().as_bytes(), scheme)?;
            if told.is_some_and(|told| told != host) { Err(NoKey::NoHost) } else { Ok(host) }
        }
        (None, None) => Err(NoKey::NoHost),
    }
}

/// Is this a host as `Host` may name it: a name or an address, and perhaps a port?
pub fn is_host(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let colon = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
    let (name, port) = (&text[..colon], text.get(colon + 1..).unwrap_or_default());
    // Most are that plain; the others are taken apart.
    let plain = !name.is_empty()
        && name.iter().all(is_plain)
        && port.iter().all(|byte| byte.is_ascii_digit());
    plain || normal(text, Scheme::Http).is_ok()
}

/// Do both name one host, each with or without the scheme's own port?
pub fn is_same_host(one: &[u8], other: &[u8], scheme: Scheme) -> bool {
    one.eq_ignore_ascii_case(other)
        || matches!((normal(one, scheme), normal(other, scheme)), (Ok(a), Ok(b)) if a == b)
}

fn normal(text: &[u8], scheme: Scheme) -> Result<String, NoKey> {
    let text = std::str::from_utf8(text).map_err(|_| NoKey::NoHost)?;
    let (name, port) = split_port(text);
    if !is_name(name) || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoKey::NoHost);
    }
    let mut host = name.to_ascii_lowercase();
    if !port.is_empty() && port != scheme.default_port() {
        host.push(':');
        host.push_str(port);
    }
    Ok(host)
}

/// The colons inside an IPv6 literal (`[::1]`) do not begin a port.
fn split_port(text: &str) -> (&str, &str) {
    match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (text, ""),
    }
}

/// A registered name, an IPv4 address, or an IPv6 literal in brackets. User information, escapes
/// and the rest of what RFC 3986 allows have no business in `Host`, and applications read them
/// differently.
fn is_name(name: &str) -> bool {
    let in_brackets = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match in_brackets {
        Some(literal) => {
            !literal.is_empty()
                && literal
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }
        None => {
            let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !name.is_empty() && name.bytes().all(may_stand)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_lower_case_without_default_port() {
        for (text, expected) in [
            ("Example.COM", Some("example.com")),
            ("example.com:80", Some("example.com")),
            ("example.com:", Some("example.com")),
            ("example.com:8089", Some("example.com:8089")),
            ("example.com:443", Some("example.com:443")),
            ("[::1]", Some("[::1]")),
            ("[::A]:80", Some("[::a]")),
            ("[::1]:81", Some("[::1]:81")),
            ("", None),
            (":80", None),
            ("a b", None),
            ("a/b", None),
            ("user@host", None),
            ("a:b", None),
            ("a:80:80", None),
            ("[::1", None),
            ("[]", None),
            ("a%41", None),
            ("a,b", None),
            ("ä", None),
        ] {
            assert_eq!(normal(text.as_bytes(), Scheme::Http).ok().as_deref(), expected, "{text}");
        }
        assert!(normal(b"\xff", Scheme::Http).is_err());
    }

    #[test]
    fn each_scheme_has_its_own_port() {
        let https = |text: &str| normal(text.as_bytes(), Scheme::Https).unwrap();
        assert_eq!((https("A:443"), https("a:80")), ("a".to_owned(), "a:80".to_owned()));
    }

    #[test]
    fn an_absolute_target_and_host_must_agree() {
        let (same, other) = (HeaderValue::from_static("A:80"), HeaderValue::from_static("b"));
        let uri = Uri::from_static("http://a/x");
        assert_eq!(of(&uri, None, Scheme::Http), Ok("a".to_owned()));
        assert_eq!(of(&uri, Some(&same), Scheme::Http), Ok("a".to_owned()));
        assert_eq!(of(&uri, Some(&other), Scheme::Http), Err(NoKey::NoHost));
        assert_eq!(of(&Uri::from_static("/x"), None, Scheme::Http), Err(NoKey::NoHost));
    }
}
