//! Header lists and names: what goes from end to end, what stays on one hop, and what RETTER
//! itself writes.

mod answer;
mod forward;
mod forwarded;
mod meaning;
mod names;
mod plain;

#[cfg(test)]
mod properties;
mod scheme;
mod trailers;
mod upgrade;
mod via;

pub use answer::{
    announces_digest, forget_digests, is_digest, is_event_stream, media_type, retry_after,
    strong_etag, vary_on_encoding, weaken_etag,
};
pub use forward::{Client, claimed_address, forward, take_off_claims, takes_trailers};
pub use meaning::Meaning;
pub use names::{CACHE_STATUS, X_CIRCUIT, X_RETTER};
pub use plain::Names;
pub use scheme::Scheme;
pub use trailers::{cut_trailer, cut_trailers};
pub use upgrade::{asks_for_websocket, say_websocket, turns_to_websocket};
pub use via::Via;

use http::header::{self, AsHeaderName, HeaderMap, HeaderName, HeaderValue};

/// Leaves the end-to-end fields whose name is `wanted`: takes off the hop-by-hop ones and those that
/// `Connection` names (RFC 9110 section 7.6.1). `Connection` cannot take away `Host`, `Cookie` or
/// `Authorization`: a client that names them wants the application to see another request than the
/// one it sent.
///
/// Few fields go, so they are taken out one by one; that moves others about, but never two lines of
/// one name.
pub fn retain_end_to_end(headers: &mut HeaderMap, wanted: impl Fn(&HeaderName) -> bool) {
    let stays = stays_behind(headers);
    let goes = |name: &&HeaderName| stays(name) || !wanted(name);
    let going: Vec<HeaderName> = headers.keys().filter(goes).cloned().collect();
    drop(stays);
    for name in going {
        headers.remove(name);
    }
}

/// Does a field of this name, among these, stay on its hop?
pub fn stays_behind(headers: &HeaderMap) -> impl Fn(&HeaderName) -> bool {
    let named = connection_options(headers);
    move |name| {
        let is_it = |option: &&[u8]| option.eq_ignore_ascii_case(name.as_str().as_bytes());
        is_hop_by_hop(name) || named.iter().any(is_it)
    }
}

/// Fields that mean something to the next hop only, whatever `Connection` says of them.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::PROXY_AUTHENTICATE
            | header::PROXY_AUTHORIZATION
            | header::TE
            | header::TRANSFER_ENCODING
            | header::UPGRADE
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// Takes off all fields of these names.
pub fn take_off<N>(fields: &mut HeaderMap, names: &[N])
where
    N: AsHeaderName + Clone,
    HeaderName: PartialEq<N>,
{
    // Most have none of them, and a look at the names is cheaper than as many searches.
    if fields.keys().any(|name| names.iter().any(|other| name == other)) {
        for name in names {
            fields.remove(name.clone());
        }
    }
}

/// Do these fields say that a body comes with them (RFC 9112 section 6.3)?
pub fn frame_a_body(fields: &HeaderMap) -> bool {
    // Most say nothing, and one look at all is cheaper than two searches.
    fields.iter().any(|(name, value)| match *name {
        header::TRANSFER_ENCODING => true,
        header::CONTENT_LENGTH => value != "0",
        _ => false,
    })
}

/// The first line of `name`, if it is text.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|line| line.to_str().ok())
}

/// The comma-separated members of every line of `name`, trimmed, without empty ones. As bytes: one
/// that is no text must not hide those beside it.
pub fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().flat_map(members_of)
}

fn members_of(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let members = line.as_bytes().split(|byte| *byte == b',');
    members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// Those [`members`] that are text.
pub fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let text = |member: &'a [u8]| std::str::from_utf8(member).ok().filter(|text| text.is_ascii());
    members(headers, name).filter_map(text)
}

/// All lines of a [`list`] as one.
pub fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    if lines.next().is_none() && first.to_str().is_ok() {
        return Some(first.clone());
    }
    let all: Vec<&str> = list(headers, name).collect();
    HeaderValue::try_from(all.join(", ")).ok()
}

fn connection_options(headers: &HeaderMap) -> Vec<&[u8]> {
    let lines = headers.iter().filter(|(name, _)| **name == header::CONNECTION);
    // What most say, and what is no end-to-end field in any case: not worth taking apart.
    let telling = lines.filter(|(_, line)| *line != "keep-alive" && *line != "close");
    let in_vain = |option: &&[u8]| IN_VAIN.iter().any(|name| name.eq_ignore_ascii_case(option));
    telling.flat_map(|(_, line)| members_of(line)).filter(|option| !in_vain(option)).collect()
}

/// What a `Connection` list cannot take away.
const IN_VAIN: [&[u8]; 3] = [b"authorization", b"cookie", b"host"];

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers
                .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn end_to_end(headers: &HeaderMap) -> HeaderMap {
        let mut kept = headers.clone();
        retain_end_to_end(&mut kept, |_| true);
        kept
    }

    #[test]
    fn hop_by_hop_fields_and_those_connection_names_stay_behind() {
        let sent = map(&[
            ("connection", "keep-alive, X-Secret-Hop"),
            ("connection", "close"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip"),
            ("x-secret-hop", "1"),
            ("x-kept", "a"),
            ("x-kept", "b"),
        ]);
        let kept = end_to_end(&sent);
        assert_eq!(kept.len(), 2);
        let values: Vec<_> = kept.get_all("x-kept").iter().collect();
        assert_eq!(values, ["a", "b"]);
    }

    #[test]
    fn connection_cannot_take_away_who_the_visitor_is() {
        let sent = map(&[
            ("connection", "Cookie, host, AUTHORIZATION"),
            ("cookie", "a=b"),
            ("host", "x"),
            ("authorization", "Bearer t"),
        ]);
        assert_eq!(end_to_end(&sent).len(), 3);
    }

    #[test]
    fn a_member_that_is_no_text_hides_none_beside_it() {
        let mut fields = map(&[("x-hop", "1"), ("accept-encoding", "br")]);
        let odd = |text: &[u8]| HeaderValue::from_bytes(text).unwrap();
        fields.append(header::CONNECTION, odd(b"\xff, X-Hop"));
        assert!(!end_to_end(&fields).contains_key("x-hop"));
        fields.append(header::ACCEPT_ENCODING, odd(b"\xff, gzip"));
        assert_eq!(joined(&fields, &header::ACCEPT_ENCODING).unwrap(), "br, gzip");
        assert_eq!(joined(&fields, &header::VARY), None);
    }

    #[test]
    fn filtering_twice_is_filtering_once() {
        let once = end_to_end(&map(&[("connection", "a"), ("a", "1"), ("b", "2")]));
        assert_eq!(end_to_end(&once), once);
    }
}
