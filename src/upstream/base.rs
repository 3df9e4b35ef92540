//! `backend.baseurl`, taken apart.

use super::tls;
use http::Uri;
use http::uri::PathAndQuery;
use std::fmt;
use std::net::Ipv6Addr;
use std::os::unix::net::SocketAddr;
use std::path::PathBuf;

/// Where the application is. Parsed with [`BaseUrl::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    pub place: Place,
    /// Path prefix without the trailing slash; empty for none.
    pub prefix: String,
}

/// What connections are made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `http://host[:port]` and `https://host[:port]`.
    Net {
        tls: bool,
        /// Name or address in lower case; an IPv6 address without its brackets.
        host: String,
        /// 80, or 443 with TLS, if the URL names none.
        port: u16,
    },
    /// `unix:/path/of.socket`: plain HTTP over it.
    Unix(PathBuf),
}

impl BaseUrl {
    /// Reads `http://host[:port][/prefix]`, the same with `https`, or
    /// `unix:/path/of.socket[:/prefix]`.
    ///
    /// # Errors
    /// The text says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = match text.strip_prefix("unix:") {
            Some(rest) => parse_unix(rest),
            None => parse_net(text),
        };
        parsed.map_err(|why| format!("`{text}` {why}; {RIGHT}"))
    }

    /// `host[:port]` as a `Host` header has it (RFC 9110 section 7.2): IPv6 in brackets, without
    /// the default port. A socket has no name, and what runs behind one takes this for its own.
    pub fn authority(&self) -> String {
        let Place::Net { tls, host, port } = &self.place else { return "localhost".to_owned() };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        if *port == default_port(*tls) { host } else { format!("{host}:{port}") }
    }

    /// The port of plain HTTP; `None` if something else is spoken there.
    pub fn plain_port(&self) -> Option<u16> {
        match self.place {
            Place::Net { tls: false, port, .. } => Some(port),
            _ => None,
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

/// Stands in the file as the name of the application: another spelling would be another one.
impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = &self.prefix;
        match &self.place {
            Place::Net { tls: false, .. } => write!(f, "http://{}{prefix}", self.authority()),
            Place::Net { tls: true, .. } => write!(f, "https://{}{prefix}", self.authority()),
            Place::Unix(path) if prefix.is_empty() => write!(f, "unix:{}", path.display()),
            Place::Unix(path) => write!(f, "unix:{}:{prefix}", path.display()),
        }
    }
}

fn parse_net(text: &str) -> Result<BaseUrl, String> {
    let (scheme, rest) = text.split_once("://").ok_or("has no scheme")?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err("has a scheme other than http and https".into()),
    };
    if let Some(odd) = rest.find(['?', '#', '@']).map(|at| &rest[at..=at]) {
        return Err(format!("has a `{odd}`, which is no part of a base"));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = split_port(authority);
    let host = parse_host(host)?;
    if tls && !tls::is_name(&host) {
        return Err(format!("has the host `{host}`, which no certificate can be for"));
    }
    let port = port.map_or(Ok(default_port(tls)), parse_port)?;
    Ok(BaseUrl { place: Place::Net { tls, host, port }, prefix: parse_prefix(path)? })
}

/// The path ends at its first colon, as nginx has it.
fn parse_unix(rest: &str) -> Result<BaseUrl, String> {
    let (path, prefix) = rest.split_once(':').unwrap_or((rest, ""));
    // `unix:///path` is how a URL would say it.
    let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    if !path.starts_with('/') || path.starts_with("//") {
        return Err("names no socket by a path from the root".into());
    }
    if SocketAddr::from_pathname(path).is_err() {
        return Err("names a path that is too long for a socket".into());
    }
    if !prefix.is_empty() && !prefix.starts_with('/') || prefix.contains(['?', '#']) {
        return Err(format!("has `{prefix}` after the socket, which is no path"));
    }
    Ok(BaseUrl { place: Place::Unix(path.into()), prefix: parse_prefix(prefix)? })
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

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

fn parse_port(port: &str) -> Result<u16, String> {
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

const RIGHT: &str = "write http://host[:port][/prefix], https:// for TLS, or unix:/path/of.socket";

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, u16, String) {
        let base = BaseUrl::parse(text).unwrap();
        let Place::Net { tls: false, host, port } = base.place else { panic!("{text}") };
        (host, port, base.prefix)
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
            ("https://a..b", "no certificate"),
            ("https://-a", "no certificate"),
            ("https://", "names no host"),
            ("ftp://a", "other than http"),
            ("unix:", "no socket"),
            ("unix:app.sock", "no socket"),
            ("unix://run/app.sock", "no socket"),
            ("unix:/run/app.sock:shop", "`shop` after the socket"),
            ("unix:/run/app.sock:/shop?x", "`/shop?x` after the socket"),
            ("unix:/run/app.sock:/b\u{fc}cher", "percent-encoding"),
            ("unix:/run/\0", "for a socket"),
            (&format!("unix:/{}", "x".repeat(200)), "too long for a socket"),
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
    fn a_base_is_said_as_it_is_read() {
        for text in [
            "http://localhost:8088",
            "http://a/x",
            "http://[::1]:443",
            "https://a",
            "https://a:80/x",
            "https://127.0.0.1:8443",
            "https://[::1]",
            "unix:/run/app.sock",
            "unix:/run/app.sock:/shop",
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().to_string(), text);
        }
        for (odd, plain) in [
            ("HTTPS://A:443/", "https://a"),
            ("unix:///run/app.sock", "unix:/run/app.sock"),
            ("unix:/run/app.sock:", "unix:/run/app.sock"),
            ("unix:/run/app.sock:/shop/", "unix:/run/app.sock:/shop"),
        ] {
            assert_eq!(BaseUrl::parse(odd).unwrap().to_string(), plain);
        }
    }

    #[test]
    fn only_plain_http_has_a_plain_port() {
        let port = |text| BaseUrl::parse(text).unwrap().plain_port();
        assert_eq!(["http://a", "https://a", "unix:/a"].map(port), [Some(80), None, None]);
    }

    #[test]
    fn authority_has_brackets_and_no_default_port() {
        let authority = |text| BaseUrl::parse(text).unwrap().authority();
        assert_eq!(authority("http://a:80"), "a");
        assert_eq!(authority("http://[::1]:81"), "[::1]:81");
        assert_eq!(authority("https://a:443"), "a");
        assert_eq!(authority("https://a:80"), "a:80");
        assert_eq!(authority("unix:/run/app.sock:/shop"), "localhost");
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
