//! `backend.baseurl`, taken apart.

use http::Uri;
use http::uri::PathAndQuery;
use std::fmt;
use std::net::Ipv6Addr;

/// Where the application is: `http://host[:port][/prefix]`. Parsed with [`BaseUrl::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Name or address in lower case; an IPv6 address without its brackets.
    pub host: String,
    /// 80 if the URL names none.
    pub port: u16,
    /// Path prefix without the trailing slash; empty for none.
    pub prefix: String,
}

impl BaseUrl {
    /// Reads `http://host[:port][/prefix]`.
    ///
    /// # Errors
    /// The text says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = strip_scheme(text)?;
        if let Some(odd) = rest.find(['?', '#', '@']).map(|at| &rest[at..=at]) {
            return Err(wrong(text, &format!("has a `{odd}`, which is no part of a base")));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority);
        Ok(Self {
            host: parse_host(host).map_err(|why| wrong(text, &why))?,
            port: parse_port(port).map_err(|why| wrong(text, &why))?,
            prefix: parse_prefix(path).map_err(|why| wrong(text, &why))?,
        })
    }

    /// `host[:port]` as a `Host` header has it (RFC 9110 section 7.2): IPv6 in brackets, without
    /// the default port.
    pub fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            80 => host,
            port => format!("{host}:{port}"),
        }
    }

    /// The request target in origin form (RFC 9112 section 3.2.1): prefix, path and query, byte
    /// for byte as the client sent them. `None` if the whole is too long for a target.
    pub(super) fn target(&self, uri: Uri) -> Option<Uri> {
        if self.prefix.is_empty() && uri.scheme().is_none() && uri.authority().is_none() {
            return Some(uri);
        }
        let target = match uri.path_and_query() {
            None => self.join("/"),
            Some(target) if self.prefix.is_empty() || target == "*" => Some(target.clone()),
            Some(target) => self.join(target.as_str()),
        };
        target.map(Uri::from)
    }

    fn join(&self, target: &str) -> Option<PathAndQuery> {
        format!("{}{target}", self.prefix).parse().ok()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.prefix)
    }
}

fn strip_scheme(text: &str) -> Result<&str, String> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong(text, "has no scheme"))?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(rest),
        "https" => Err(wrong(text, "asks for TLS to the application, which is not supported yet")),
        "unix" => Err(wrong(text, "asks for a unix socket, which is not supported yet")),
        _ => Err(wrong(text, "has a scheme other than http")),
    }
}

/// The port is what follows the last colon outside of brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => {
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        _ => (authority, None),
    }
}

fn parse_host(host: &str) -> Result<String, String> {
    if let Some(inside) = host.strip_prefix('[') {
        let inside = inside.strip_suffix(']').ok_or("has no closing bracket")?;
        let address: Ipv6Addr = inside
            .parse()
            .map_err(|_| format!("has `{inside}` in brackets, which is no IPv6 address"))?;
        return Ok(address.to_string());
    }
    if host.is_empty() {
        return Err("names no host".into());
    }
    if host.contains(':') {
        return Err("has an IPv6 address without brackets around it".into());
    }
    match host.bytes().all(|it| it.is_ascii_alphanumeric() || b".-_".contains(&it)) {
        true => Ok(host.to_ascii_lowercase()),
        false => Err(format!(
            "has the host `{host}`, which is no name of letters, digits, dots and dashes"
        )),
    }
}

fn parse_port(port: Option<&str>) -> Result<u16, String> {
    let Some(port) = port else { return Ok(80) };
    match port.parse() {
        Ok(number) if number > 0 && !port.starts_with('+') => Ok(number),
        _ => Err(format!("has the port `{port}`, which is no number from 1 to 65535")),
    }
}

fn parse_prefix(path: &str) -> Result<String, String> {
    let prefix = path.trim_end_matches('/');
    let valid = prefix.is_empty() || prefix.parse::<PathAndQuery>().is_ok();
    if valid && prefix.is_ascii() {
        Ok(prefix.into())
    } else {
        Err(format!("has the path `{path}`, which needs percent-encoding"))
    }
}

fn wrong(text: &str, why: &str) -> String {
    format!("`{text}` {why}; write http://host[:port][/prefix]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, u16, String) {
        let base = BaseUrl::parse(text).unwrap();
        (base.host, base.port, base.prefix)
    }

    #[test]
    fn host_port_and_prefix_are_taken_apart() {
        let expect = |host: &str, port, prefix: &str| (host.into(), port, prefix.into());
        assert_eq!(parts("http://localhost:8088"), expect("localhost", 8088, ""));
        assert_eq!(parts("HTTP://App.Example/"), expect("app.example", 80, ""));
        assert_eq!(parts("http://a:81/x/y//"), expect("a", 81, "/x/y"));
        assert_eq!(parts("http://[::1]:81/x"), expect("::1", 81, "/x"));
        assert_eq!(parts("http://[0::1]"), expect("::1", 80, ""));
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_its_reason() {
        for (text, reason) in [
            ("localhost:8088", "no scheme"),
            ("", "no scheme"),
            ("https://a", "not supported yet"),
            ("unix:///run/app.sock", "not supported yet"),
            ("ftp://a", "other than http"),
            ("http://", "names no host"),
            ("http://:80", "names no host"),
            ("http://user:pw@a", "`@`"),
            ("http://a/?x", "`?`"),
            ("http://a#x", "`#`"),
            ("http://a:", "port"),
            ("http://a:0", "port"),
            ("http://a:+80", "port"),
            ("http://a:65536", "port"),
            ("http://::1", "brackets"),
            ("http://[::1", "bracket"),
            ("http://[nonsense]", "IPv6"),
            ("http://a b", "host"),
            ("http://b\u{fc}cher", "host"),
            ("http://a/b\u{fc}cher", "percent-encoding"),
        ] {
            let error = BaseUrl::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(error.contains("write http://"), "{text}: {error}");
        }
    }

    #[test]
    fn authority_has_brackets_and_no_default_port() {
        let authority = |text| BaseUrl::parse(text).unwrap().authority();
        assert_eq!(authority("http://a:80"), "a");
        assert_eq!(authority("http://[::1]:81"), "[::1]:81");
    }

    #[test]
    fn target_is_the_prefix_and_what_the_client_sent() {
        let target = |base: &str, uri: &'static str| {
            let base = BaseUrl::parse(base).unwrap();
            base.target(Uri::from_static(uri)).unwrap().to_string()
        };
        assert_eq!(target("http://a", "/x?y=%2f"), "/x?y=%2f");
        assert_eq!(target("http://a", "http://b/x?y"), "/x?y");
        assert_eq!(target("http://a/p", "/x//?y"), "/p/x//?y");
        assert_eq!(target("http://a/p", "http://b"), "/p/");
        assert_eq!(target("http://a/p", "*"), "*");
    }
}
