//! What of an answer's head is kept with its copy.

use crate::headers::{retain_end_to_end, stays_behind};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that are kept with a copy: end-to-end ones, without those that speak to one visitor, to
/// a server in front or about this one moment, and without ours.
///
/// `Content-Length` is counted anew from the body. `Alt-Svc` would send visitors past us to doors
/// that are shut when copies are needed. `Age` stays: who serves the copy adds to it (RFC 9111
/// section 4.2.3).
pub fn stored_headers(answer: &HeaderMap) -> HeaderMap {
    let mut end_to_end = answer.clone();
    retain_end_to_end(&mut end_to_end, |name| !is_never_stored(name));
    // In the order they came in, which is the order they will come in again.
    let mut kept = HeaderMap::with_capacity(end_to_end.len());
    for (name, value) in answer.iter().filter(|(name, _)| end_to_end.contains_key(*name)) {
        kept.append(name, of_its_own(value));
    }
    kept
}

/// Would these fields of an answer be kept as `kept` was, `Date` aside? In doubt, and in another
/// order, they would not.
pub fn are_the_same_but_for_the_date(kept: &HeaderMap, answer: &HeaderMap) -> bool {
    let counts = |name: &HeaderName| *name != header::DATE;
    let stays_behind = stays_behind(answer);
    let may_be_kept =
        |name: &HeaderName| counts(name) && !stays_behind(name) && !is_never_stored(name);
    let kept = kept.iter().filter(|(name, _)| counts(name));
    kept.eq(answer.iter().filter(|(name, _)| may_be_kept(name)))
}

/// A value as it comes is a slice of the whole buffer it was read into, and would keep all of that
/// in memory as long as the copy lives.
fn of_its_own(value: &HeaderValue) -> HeaderValue {
    // What was a value stays one.
    let mut own = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
    own.set_sensitive(value.is_sensitive());
    own
}

fn is_never_stored(name: &HeaderName) -> bool {
    let name = name.as_str();
    let is_listed = matches!(
        name,
        "alt-svc"
            | "clear-site-data"
            | "content-length"
            | "set-cookie"
            | "set-cookie2"
            | "surrogate-control"
            | "trailer"
            | "x-circuit"
            | "x-lighttpd-send-file"
            | "x-retter"
            | "x-sendfile"
    );
    is_listed || name.starts_with("x-accel-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_date_may_differ_between_the_same_heads() {
        let head = |lines: &[(&'static str, &'static str)]| {
            let lines = lines.iter().map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            HeaderMap::from_iter(lines)
        };
        let kept = head(&[("date", "1"), ("location", "/a")]);
        let same = [
            ("date", "2"),
            ("location", "/a"),
            ("connection", "X-Hop"),
            ("set-cookie", "c"),
            ("x-hop", "1"),
        ];
        assert!(are_the_same_but_for_the_date(&kept, &head(&same)));
        assert!(!are_the_same_but_for_the_date(&kept, &head(&[("location", "/b")])));
        assert!(!are_the_same_but_for_the_date(&kept, &head(&[("date", "1")])));
        let more = head(&[("location", "/a"), ("etag", "x")]);
        assert!(!are_the_same_but_for_the_date(&kept, &more));
    }

    #[test]
    fn what_speaks_to_one_visitor_or_to_servers_is_not_kept() {
        let kept = [
            ("date", "d"),
            ("etag", "e"),
            ("content-type", "t"),
            ("content-encoding", "gzip"),
            ("vary", "accept-encoding"),
            ("content-security-policy", "c"),
            ("age", "5"),
            ("link", "1"),
            ("link", "2"),
        ];
        let dropped = [
            ("set-cookie", "a=b"),
            ("set-cookie2", "a=b"),
            ("clear-site-data", "\"*\""),
            ("x-accel-expires", "1"),
            ("x-accel-buffering", "no"),
            ("x-sendfile", "/f"),
            ("surrogate-control", "s"),
            ("x-retter", "backend"),
            ("x-circuit", "CLOSED"),
            ("content-length", "5"),
            ("alt-svc", "h3"),
            ("connection", "x-private"),
            ("x-private", "p"),
            ("keep-alive", "k"),
            ("transfer-encoding", "chunked"),
        ];
        let fill = |lists: &[&[(&'static str, &'static str)]]| {
            let mut answer = HeaderMap::new();
            for (name, value) in lists.iter().copied().flatten() {
                answer.append(*name, HeaderValue::from_static(value));
            }
            answer
        };
        assert_eq!(stored_headers(&fill(&[&kept, &dropped])), fill(&[&kept]));
    }
}
