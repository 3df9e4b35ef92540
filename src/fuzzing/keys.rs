//! Addresses and keys. An input is a target, then the header lines of the request.
//!
//! Held: a normal spelling stays as it is; an odd one finds what the normal one stores and stores
//! nothing; a session id in the address says who it is and not what was asked for, and is never
//! shown; no byte that moves from one part of a key to another leaves its hash the same; what is
//! sent on is what the key shows; a visitor's own copy and nobody's are the only ones looked for.

use super::text::{fields, first_line, get, halves};
use crate::headers::Scheme;
use crate::key::{
    CacheKey, EntryId, Identity, NoKey, Person, Place, Places, Secret, Settings, StoreKey,
    forwarded, is_host,
};
use http::{HeaderValue, Method, Uri, header, request};

/// See the module.
pub fn keys(input: &[u8]) {
    let (head, _) = halves(input);
    let (target, lines) = first_line(head);
    let Some(asked) = get(target, fields(lines)) else { return };
    let ignoring = vec!["utm_*".to_owned(), "a*".to_owned()];
    let plain = Settings::default();
    hold(&asked, &plain);
    hold(&asked, &Settings { query_ignore: ignoring, ..plain.clone() });
    hold(&asked, &Settings { detect_query: false, detect_session: false, ..plain.clone() });
    if let Ok(key) = CacheKey::of(&asked, &plain) {
        no_border_moves(&key);
    }
}

fn hold(asked: &request::Parts, settings: &Settings) {
    let found = CacheKey::of(asked, settings);
    read_again_it_is_the_same(asked, &found, settings);
    host_is_judged_alike(asked, &found);
    let Ok(key) = found else { return };
    as_a_head_it_is_the_same(asked, &key, settings);
    normal_stays_normal(&key, settings);
    odd_ones_only_look(&key, settings);
    ids_say_who_and_not_what(asked, &key, settings);
    what_is_sent_on_is_what_the_key_shows(asked, &key, settings);
    own_or_nobodys(&key, settings);
}

/// Places that are remembered are those that would be read.
fn read_again_it_is_the_same(
    asked: &request::Parts,
    found: &Result<CacheKey, NoKey>,
    settings: &Settings,
) {
    let places = Places::remembering(1);
    for _ in 0..2 {
        match (places.key(Scheme::Http, asked, settings), found) {
            (Ok(again), Ok(key)) => {
                assert!(again.place == key.place && own_id(&again) == own_id(key));
                assert_eq!(again.may_store, key.may_store);
            }
            (again, key) => assert_eq!(again.err(), key.as_ref().err().copied()),
        }
    }
}

/// The door asks `is_host`, the key reads the host itself: they must not part ways.
fn host_is_judged_alike(asked: &request::Parts, found: &Result<CacheKey, NoKey>) {
    let mut hosts = asked.headers.get_all(header::HOST).iter();
    if let (None, Some(host), None) = (asked.uri.authority(), hosts.next(), hosts.next()) {
        let is_none = matches!(found, Err(NoKey::NoHost));
        assert!(!is_host(host.as_bytes()) || !is_none, "{host:?} is a host");
        assert!(is_host(host.as_bytes()) || found.is_err(), "{host:?} is no host");
    }
}

fn as_a_head_it_is_the_same(asked: &request::Parts, key: &CacheKey, settings: &Settings) {
    let mut head = asked.clone();
    head.method = Method::HEAD;
    let head = CacheKey::of(&head, settings).expect("HEAD has the key of its GET");
    assert!(own_id(&head) == own_id(key) && head.may_store == key.may_store);
}

fn normal_stays_normal(key: &CacheKey, settings: &Settings) {
    let Place { host, path, query, .. } = &*key.place;
    let again = plainly(host, &format!("{path}{query}"), settings);
    let again = again.expect("a normal address has a key");
    assert_eq!(again.place, key.place, "normalising twice changes something");
    assert!(again.may_store && again.visitor.is_anonymous());
    let absolute = get(key.place.to_string().as_bytes(), Default::default());
    if let Some(absolute) = absolute {
        let absolute = CacheKey::of(&absolute, settings).expect("an address has a key");
        assert_eq!(absolute.place, key.place);
    }
}

fn odd_ones_only_look(key: &CacheKey, settings: &Settings) {
    let Place { host, path, query, .. } = &*key.place;
    let normal = plainly(host, &format!("{path}{query}"), settings).expect("as before");
    let odd_path = oddly(path, &['/', ';']).map(|path| format!("{path}{query}"));
    let odd_query = oddly(query, &['&']).map(|query| format!("{path}{query}"));
    for odd in [odd_path, odd_query].into_iter().flatten() {
        let odd = plainly(host, &odd, settings).expect("an odd spelling has a key as well");
        assert!(!odd.may_store, "an odd spelling of {} may store", key.place);
        assert_eq!(own_id(&odd), own_id(&normal));
    }
}

fn ids_say_who_and_not_what(asked: &request::Parts, key: &CacheKey, settings: &Settings) {
    if shown(key, settings).contains("Q7visitor") {
        return;
    }
    for cut_in in [with_path_id, with_query_id] {
        let visit = |id| {
            let request = with_target(asked, &cut_in(&asked.uri, id))?;
            match CacheKey::of(&request, settings) {
                Err(NoKey::TooManyCredentials) => None,
                found => Some(found.expect("an id takes no key away")),
            }
        };
        let (Some(one), Some(other)) = (visit("Q7visitor1"), visit("Q7visitor2")) else { return };
        assert_eq!((&one.place, &other.place), (&key.place, &key.place));
        assert!(one.may_store == key.may_store, "an id makes no spelling odd");
        let people = [&one, &other, key].map(|key| key.visitor.identity(&SECRET));
        assert!(people[0] != people[1] && people[0] != people[2] && people[1] != people[2]);
        assert!(!shown(&one, settings).contains("Q7visitor"), "a session is shown");
    }
}

fn what_is_sent_on_is_what_the_key_shows(
    asked: &request::Parts,
    key: &CacheKey,
    settings: &Settings,
) {
    let sent = forwarded(&asked.uri, settings);
    let again = with_target(asked, &format!("{}{sent}", before_path(&asked.uri)));
    let again = again.expect("what is sent on is a target");
    assert_eq!(forwarded(&again.uri, settings), sent);
    let shown = CacheKey::of(&again, settings).expect("leaving parameters out takes no key away");
    assert_eq!(own_id(&shown), own_id(key));
    if settings.query_ignore.is_empty() && asked.uri.authority().is_none() {
        assert_eq!(sent, asked.uri.to_string(), "the client's own bytes go on");
    }
}

fn own_or_nobodys(key: &CacheKey, settings: &Settings) {
    let lookups = key.lookups(&SECRET, settings);
    let nobodys = lookups.last().expect("somewhere is always looked");
    assert_eq!(nobodys.key.identity, Identity::Anonymous);
    assert_eq!(nobodys.own, key.visitor.is_anonymous());
    match &lookups[..] {
        [_] => assert!(key.visitor.is_anonymous() || !settings.detect_session),
        [own, _] => {
            assert!(own.own && own.key.identity == key.visitor.identity(&SECRET));
            assert!(own.key.id() != nobodys.key.id());
        }
        more => panic!("{} places to look in", more.len()),
    }
}

fn no_border_moves(key: &CacheKey) {
    let Place { scheme, host, path, query } = &*key.place;
    let id = |host: &str, path: &str, query: &str, variant: &[u8]| {
        let [scheme, host, path, query] = [scheme, host, path, query].map(str::to_owned);
        let place = Place { scheme, host, path, query }.into();
        StoreKey { place, identity: Identity::Anonymous, variant: variant.to_vec() }.id()
    };
    let true_one = id(host, path, query, &key.variant);
    for (one, other) in borders(host, path) {
        assert_ne!(id(&one, &other, query, &key.variant), true_one, "host and path");
    }
    for (one, other) in borders(path, query) {
        assert_ne!(id(host, &one, &other, &key.variant), true_one, "path and query");
    }
    if let Some(last) = query.chars().next_back() {
        let shorter = &query[..query.len() - last.len_utf8()];
        let longer = [last.to_string().as_bytes(), &key.variant].concat();
        assert_ne!(id(host, path, shorter, &longer), true_one, "query and variant");
    }
    let person = Person { tag: [b'7'; 16], seal: [0; 32] };
    let own = key.store_key(Identity::Person(person)).id();
    let longer = [&[b'7'; 16], key.variant.as_slice()].concat();
    assert_ne!(own, id(host, path, query, &longer), "person and variant");
}

/// Some other ways to cut two texts that stand beside each other.
fn borders(one: &str, other: &str) -> Vec<(String, String)> {
    let whole = format!("{one}{other}");
    let near = one.len().saturating_sub(4)..=(one.len() + 4).min(whole.len());
    let cuts = near.filter(|at| *at != one.len()).filter_map(|at| whole.split_at_checked(at));
    cuts.map(|(one, other)| (one.to_owned(), other.to_owned())).collect()
}

/// The text with its last character escaped for no reason; `None` where that would not be the
/// same address: after a stray `%`, or for a character that means something.
fn oddly(text: &str, borders: &[char]) -> Option<String> {
    let last = text.chars().next_back()?;
    let part = text.rsplit(borders).next()?;
    let unreserved = last.is_ascii_alphanumeric() || "-._~".contains(last);
    let escaped = || format!("{}%{:02x}", &text[..text.len() - 1], u32::from(last));
    (unreserved && !part.contains('%')).then(escaped)
}

fn with_path_id(uri: &Uri, id: &str) -> String {
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    format!("{}{};jsessionid={id}{query}", before_path(uri), uri.path())
}

fn with_query_id(uri: &Uri, id: &str) -> String {
    let query = uri.query().map_or_else(|| "?".to_owned(), |query| format!("?{query}&"));
    format!("{}{}{query}PHPSESSID={id}", before_path(uri), uri.path())
}

/// Scheme and host of an absolute target.
fn before_path(uri: &Uri) -> String {
    let scheme = uri.scheme_str().map_or_else(String::new, |scheme| format!("{scheme}://"));
    format!("{scheme}{}", uri.authority().map_or("", |authority| authority.as_str()))
}

fn with_target(asked: &request::Parts, target: &str) -> Option<request::Parts> {
    get(target.as_bytes(), asked.headers.clone())
}

/// The key of somebody who brings nothing.
fn plainly(host: &str, target: &str, settings: &Settings) -> Option<CacheKey> {
    let mut asked = get(target.as_bytes(), Default::default())?;
    asked.headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
    CacheKey::of(&asked, settings).ok()
}

fn own_id(key: &CacheKey) -> EntryId {
    key.store_key(key.visitor.identity(&SECRET)).id()
}

/// All that a log line could show of a key.
fn shown(key: &CacheKey, settings: &Settings) -> String {
    let (lookups, identity) = (key.lookups(&SECRET, settings), key.visitor.identity(&SECRET));
    format!("{key:?} {lookups:?} {identity:?} {SECRET:?} {}", key.place)
}

const SECRET: Secret = Secret([7; 32]);
