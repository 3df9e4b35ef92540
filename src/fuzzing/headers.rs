//! What is read from the fields of either side. An input is header lines, an empty line, and the
//! bytes of a body.
//!
//! Held: words that protect are heard wherever they stand, and `public` only where it is clear; an
//! application is asked for nothing that could not be taken off again, nor for what the client
//! refused; what comes out of a coding stays under its cap and what was packed comes out whole;
//! fields that are made fit to go on or to be kept stay as they are when that is done twice; a
//! stranger's claims are gone, a trusted proxy's make another key; a wish to be left alone is heard
//! within the breaker's own bounds.

mod codings;

use super::breaker;
use super::text::{and, fields, get_from_shop, halves};
use crate::breaker::{Admission, Ask, Breakers, Fault, Outcome};
use crate::headers::{
    Client, Names, forward, is_event_stream, is_hop_by_hop, list, retain_end_to_end, retry_after,
    take_off_claims, vary_on_encoding, weaken_etag,
};
use crate::key::{CacheKey, Settings};
use crate::policy::fuzzed::said;
use http::{HeaderMap, HeaderValue, header};
use std::net::IpAddr;
use std::time::Instant;

/// See the module.
pub fn headers(input: &[u8]) {
    let (lines, body) = halves(input);
    let fields = fields(lines);
    protection_is_heard(&fields);
    lists_are_of_members(&fields);
    what_goes_on_is_fit_to_go_on(&fields);
    answers_are_marked_once(&fields);
    what_was_told_makes_another_key(&fields);
    a_wish_is_heard_within_bounds(&fields);
    codings::hold(&fields, body);
}

fn protection_is_heard(fields: &HeaderMap) {
    let [public, private, no_store] = said(fields);
    let lines = || fields.get_all(header::CACHE_CONTROL).iter().map(HeaderValue::as_bytes);
    for (word, heard) in [("private", private), ("no-store", no_store)] {
        let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let stands = |line: &[u8]| {
            line.split(|byte| matches!(byte, b',' | b';' | b' ' | b'\t' | b'"' | b'='))
                .filter(|part| part.iter().all(is_in_name))
                .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        };
        assert!(heard || !lines().any(stands), "{word} is not heard in {fields:?}");
    }
    assert!(!public || lines().any(says_public), "public is heard in {fields:?}");
    let closed = and(fields, "cache-control", "private; x, \"no-store");
    assert_eq!(said(&closed), [public, true, true], "a line more loosens something");
}

/// By the letter of RFC 9110 section 5.6.4, quoted pairs included.
fn says_public(line: &[u8]) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    let mut outside = Vec::new();
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ => outside.push(*byte),
        }
    }
    let mut directives = outside.split(|byte| *byte == b',');
    directives.any(|directive| {
        let name = directive.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"public")
    })
}

fn lists_are_of_members(fields: &HeaderMap) {
    for name in fields.keys() {
        for member in list(fields, name) {
            assert!(!member.is_empty() && !member.contains(',') && member == member.trim());
        }
    }
}

fn what_goes_on_is_fit_to_go_on(fields: &HeaderMap) {
    let mut once = fields.clone();
    retain_end_to_end(&mut once, |_| true);
    let mut twice = once.clone();
    retain_end_to_end(&mut twice, |_| true);
    assert_eq!(once, twice);
    assert!(!once.keys().any(is_hop_by_hop));
    for name in [header::HOST, header::COOKIE, header::AUTHORIZATION] {
        let lines = |fields: &HeaderMap| fields.get_all(&name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(lines(&once), lines(fields), "{name} can be taken away");
    }
    let stranger = Client::new(IpAddr::from([203, 0, 113, 7]), false);
    let mut unclaimed = fields.clone();
    take_off_claims(&mut unclaimed);
    let sent = forward(&unclaimed, &stranger, &VIA, Names::Plain);
    let only =
        |name: &str| sent.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
    assert_eq!(only("x-forwarded-for"), [b"203.0.113.7"], "a stranger says who he is");
    assert_eq!(only("x-forwarded-proto"), [b"http"]);
    assert_eq!(only("via"), [VIA.as_bytes()]);
    assert!(!sent.keys().any(|name| name.as_str().contains('_')), "an alias goes on");
    let all = forward(&unclaimed, &stranger, &VIA, Names::All);
    let alike = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-real-ip", "content-length", "upgrade"] {
        let passes = |other: &&http::HeaderName| alike(other.as_str()) == name && **other != name;
        assert!(!all.keys().any(|other| passes(&other)), "something passes for {name}");
    }
    let proxy = Client::new(IpAddr::from([127, 0, 0, 1]), true);
    let trusted = forward(fields, &proxy, &VIA, Names::Plain);
    let via: Vec<_> = trusted.get_all(header::VIA).iter().map(HeaderValue::as_bytes).collect();
    assert!(matches!(via[..], [line] if line.ends_with(VIA.as_bytes())), "{via:?}");
}

fn answers_are_marked_once(fields: &HeaderMap) {
    let mark = |fields: &HeaderMap| {
        let mut marked = fields.clone();
        weaken_etag(&mut marked);
        vary_on_encoding(&mut marked);
        marked
    };
    let once = mark(fields);
    assert_eq!(mark(&once), once);
    let tag = once.get(header::ETAG).map_or(&b""[..], HeaderValue::as_bytes);
    assert!(!tag.starts_with(b"\""), "a strong validator is left");
    let varies = |name: &str| name == "*" || name.eq_ignore_ascii_case("accept-encoding");
    assert!(list(&once, &header::VARY).any(varies));
    if is_event_stream(fields) {
        let kind = fields[header::CONTENT_TYPE].as_bytes().to_ascii_lowercase();
        assert!(kind.starts_with(b"text/event-stream"));
    }
}

fn what_was_told_makes_another_key(fields: &HeaderMap) {
    let key = |fields: &HeaderMap| {
        let request = get_from_shop("/", fields)?;
        CacheKey::of(&request, &Settings::default()).ok()
    };
    let Some(plain) = key(fields) else { return };
    for (name, value) in [
        ("x-forwarded-host", "q7.test"),
        ("x-forwarded-proto", "q7"),
        ("forwarded", "for=10.0.0.1; Host = q7.test"),
        ("forwarded", "for=\"a;proto=q7,b\""),
        ("x-forwarded-prefix", ""),
    ] {
        let told = key(&and(fields, name, value)).expect("what is told takes no key away");
        assert_ne!(told.variant, plain.variant, "{name}: {value}");
    }
    let visited = key(&and(fields, "forwarded", "for=192.0.2.60;by=10.0.0.1"));
    assert_eq!(visited.map(|key| key.variant), Some(plain.variant), "an address makes a key");
}

fn a_wish_is_heard_within_bounds(fields: &HeaderMap) {
    let wish = retry_after(fields);
    let (settings, now) = (breaker::settings(), Instant::now());
    let (least, most) = (settings.open_min, settings.open_max);
    let mut breakers = Breakers::new(settings, 7);
    let Admission::Admitted(permit) = breakers.admit("/", Ask::MayProbe, now) else {
        panic!("a new breaker is closed")
    };
    let failed = Outcome::Failed(Fault::Status { code: 503, retry_after: wish });
    breakers.record(permit, "/", failed, now);
    match breakers.admit("/", Ask::MayProbe, now) {
        Admission::Rejected { retry_after, .. } => {
            assert!((least..=most).contains(&retry_after), "{retry_after:?}");
        }
        Admission::Admitted(_) => panic!("one failure opens this one"),
    }
}

const VIA: HeaderValue = HeaderValue::from_static("1.1 retter-fuzz");
