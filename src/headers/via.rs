//! This process in `Via` (RFC 9110 section 7.6.3), so that a request which comes back is known.

use super::{Client, members};
use http::Version;
use http::header::{self, HeaderMap, HeaderValue};

/// A name among all RETTERs, and the members of `Via` that it makes.
pub struct Via {
    name: String,
    old: HeaderValue,
    usual: HeaderValue,
    http2: HeaderValue,
}

impl Via {
    /// `name` is a token (RFC 9110 section 5.6.2).
    pub fn new(name: String) -> Self {
        let member = |protocol: &str| {
            let text = format!("{protocol} {name}");
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("1.1 retter"))
        };
        Self { old: member("1.0"), usual: member("1.1"), http2: member("2"), name }
    }

    /// What to add for a request that came from `client` in this version. HTTP/2 is in the spelling
    /// of HTTP/1.1 by the time it gets here.
    pub fn member(&self, client: &Client, version: Version) -> &HeaderValue {
        match version {
            _ if client.http2 => &self.http2,
            Version::HTTP_10 => &self.old,
            _ => &self.usual,
        }
    }

    /// It came through here before, whatever was spoken then. Read as bytes: a member that is no text
    /// stands on one line with ours and must not hide it.
    pub fn is_in(&self, received: &HeaderMap) -> bool {
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        let is_ours = |word: &[u8]| word == self.name.as_bytes();
        members(received, &header::VIA).any(|member| member.split(is_space).any(is_ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn the_protocol_that_was_received_is_said() {
        let via = Via::new("retter-me".to_owned());
        let client = Client::new(IpAddr::from([127, 0, 0, 1]), false);
        assert_eq!(via.member(&client, Version::HTTP_10), "1.0 retter-me");
        assert_eq!(via.member(&client, Version::HTTP_11), "1.1 retter-me");
        assert_eq!(via.member(&client.over_http2(), Version::HTTP_11), "2 retter-me");
    }

    #[test]
    fn it_is_known_again_in_every_protocol_and_beside_nonsense() {
        let via = Via::new("retter-me".to_owned());
        let is_in = |line: &[u8]| {
            let line = HeaderValue::from_bytes(line).unwrap();
            via.is_in(&HeaderMap::from_iter([(header::VIA, line)]))
        };
        for line in
            [&b"1.0 other, 2 retter-me"[..], b"HTTP/1.1\tretter-me (a b)", b"\xfc, 1.1 retter-me"]
        {
            assert!(is_in(line), "{}", line.escape_ascii());
        }
        for line in [&b"1.1 retter-mee"[..], b"1.1 other (retter-me)", b""] {
            assert!(!is_in(line), "{}", line.escape_ascii());
        }
    }
}
