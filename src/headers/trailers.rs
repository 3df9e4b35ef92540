//! Fields after a body (RFC 9110 section 6.5). Whoever merges them with those before it must not be
//! told there what nobody could have told him in front: who asks, what for, and how to read it.
//!
//! Towards the application only what `Trailer` announces leaves: hyper holds back the rest. Towards a
//! visitor that is so in HTTP/1 alone.

use super::forward::CLAIMS;
use super::{Meaning, Names, X_CIRCUIT, X_RETTER, is_hop_by_hop, list};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Leaves of the announcement what may come, and nothing of it if that is nothing.
pub fn cut_trailer(fields: &mut HeaderMap, names: Names) {
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).ok();
    let may_come =
        |text: &&str| name(text).is_some_and(|name| names.pass(&name) && may_trail(&name));
    let left: Vec<&str> = list(fields, &header::TRAILER).filter(may_come).collect();
    match HeaderValue::try_from(left.join(", ")) {
        Ok(left) if !left.is_empty() => drop(fields.insert(header::TRAILER, left)),
        _ => drop(fields.remove(header::TRAILER)),
    }
}

/// Leaves of an answer's trailers what may come.
pub fn cut_trailers(trailers: &mut HeaderMap) {
    let going: Vec<HeaderName> = trailers.keys().filter(|name| !may_trail(name)).cloned().collect();
    for name in going {
        trailers.remove(name);
    }
}

fn may_trail(name: &HeaderName) -> bool {
    !is_hop_by_hop(name)
        && Names::All.meaning(name) == Meaning::None
        && *name != X_RETTER
        && *name != X_CIRCUIT
        && !CLAIMS.iter().chain(&IN_FRONT).any(|known| name == known)
}

/// What must be known before the body: framing, control, conditions and its format.
const IN_FRONT: [&str; 25] = [
    "accept-encoding",
    "age",
    "cache-control",
    "cache-status",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "expect",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "location",
    "max-forwards",
    "pragma",
    "range",
    "retry-after",
    "set-cookie",
    "trailer",
    "vary",
    "www-authenticate",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(line: &'static str, names: Names) -> Option<String> {
        let line = HeaderValue::from_static(line);
        let mut fields = HeaderMap::from_iter([(header::TRAILER, line)]);
        cut_trailer(&mut fields, names);
        fields.get(header::TRAILER).map(|line| line.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_must_be_said_in_front_is_not_announced() {
        let sums = Some("X-Sum, grpc-status".to_owned());
        assert_eq!(announced("X-Sum, Cookie, grpc-status, Via, no name", Names::Plain), sums);
        for line in ["Host", "X_Sum", "X-Api-Key, TE", "X-Forwarded-User", ","] {
            assert_eq!(announced(line, Names::Plain), None, "{line}");
        }
        assert_eq!(announced("X_Sum, X_Api_Key, X_Real_IP", Names::All).as_deref(), Some("X_Sum"));
    }

    #[test]
    fn what_comes_nevertheless_is_left_out() {
        let mut trailers = HeaderMap::new();
        for name in ["x-sum", "x-retter", "keep-alive", "connection", "set-cookie", "etag"] {
            trailers.append(name, HeaderValue::from_static("1"));
        }
        cut_trailers(&mut trailers);
        let left: Vec<_> = trailers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-sum", "etag"]);
    }
}
