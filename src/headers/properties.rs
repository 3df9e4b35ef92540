//! What was filtered stays as it is when it is filtered again, whatever it was: a request that comes
//! through two RETTERs, or an answer that is looked at twice, is no other.

use super::*;
use http::HeaderValue;
use proptest::prelude::*;
use std::net::IpAddr;

proptest! {
    #[test]
    fn what_goes_on_is_end_to_end_once_and_for_all(fields in fields()) {
        let kept = |mut fields: HeaderMap| {
            retain_end_to_end(&mut fields, |_| true);
            fields
        };
        let once = kept(fields);
        prop_assert!(!once.keys().any(is_hop_by_hop));
        prop_assert_eq!(&kept(once.clone()), &once);
    }

    #[test]
    fn what_a_stranger_sends_is_the_same_after_a_second_time(fields in fields()) {
        let sent = |mut fields: HeaderMap| {
            take_off_claims(&mut fields);
            forward(&fields, &client(false), &VIA, Names::Plain)
        };
        let once = sent(fields);
        prop_assert_eq!(&sent(once.clone()), &once);
    }

    #[test]
    fn the_application_is_told_whom_we_take_it_from(fields in fields(), trusted in any::<bool>()) {
        let mut received = fields;
        received.remove("x-real-ip");
        if !trusted {
            take_off_claims(&mut received);
        }
        let client = client(trusted);
        let sent = forward(&received, &client, &VIA, Names::Plain);
        let told = text(&sent, &HeaderName::from_static("x-real-ip"));
        let claimed = claimed_address(&received, &client).to_string();
        prop_assert_eq!(told, Some(claimed.as_str()));
    }

    /// His address and our name join the lists once more; nothing else may change.
    #[test]
    fn of_what_a_trusted_proxy_sends_only_the_lists_grow(fields in fields()) {
        let lists = [header::FORWARDED, header::VIA, HeaderName::from_static("x-forwarded-for")];
        let sent = |fields: HeaderMap| forward(&fields, &client(true), &VIA, Names::Plain);
        let mut once = sent(fields);
        let mut twice = sent(once.clone());
        for name in &lists {
            let (first, second) = (once.remove(name), twice.remove(name));
            let (first, second) = (first.unwrap_or(EMPTY), second.unwrap_or(EMPTY));
            prop_assert!(second.as_bytes().starts_with(first.as_bytes()), "{}", name);
        }
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn an_answer_is_marked_once(fields in fields()) {
        let marked = |mut fields: HeaderMap| {
            weaken_etag(&mut fields);
            vary_on_encoding(&mut fields);
            forget_digests(&mut fields);
            fields
        };
        let once = marked(fields);
        prop_assert!(strong_etag(&once).is_none() && DIGESTS.iter().all(|it| !once.contains_key(*it)));
        prop_assert_eq!(&marked(once.clone()), &once);
    }
}

fn client(trusted: bool) -> Client {
    Client::new(IpAddr::from([203, 0, 113, 7]), trusted)
}

/// Names that mean something here and names that do not, values that name them and values that do not.
fn fields() -> impl Strategy<Value = HeaderMap> {
    let name = prop_oneof![4 => prop::sample::select(&NAMES[..]), 1 => Just("x-other")];
    let word = prop_oneof![
        prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
        "[ -~]{0,12}",
    ];
    let value = prop::collection::vec(word, 0..4).prop_map(|words| words.join(", "));
    prop::collection::vec((name, value), 0..12).prop_map(|lines| {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_str(&value).unwrap_or(EMPTY);
            fields.append(HeaderName::from_static(name), value);
        }
        fields
    })
}

const NAMES: [&str; 24] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-digest",
    "cookie",
    "digest",
    "etag",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x_forwarded_for",
];
const WORDS: [&str; 10] = [
    "close",
    "keep-alive",
    "trailers",
    "gzip",
    "\"tag\"",
    "W/\"tag\"",
    "*",
    "Accept-Encoding",
    "1.1 retter-test",
    "for=10.0.0.1",
];
const DIGESTS: [&str; 2] = ["content-digest", "digest"];
const EMPTY: HeaderValue = HeaderValue::from_static("");
const VIA: HeaderValue = HeaderValue::from_static("1.1 retter-test");
