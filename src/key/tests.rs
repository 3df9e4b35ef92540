//! The key's claims, one by one. Properties are in `properties.rs`.

mod visitors;

use super::*;
use http::{HeaderMap, HeaderValue, Request, header};

/// A request under construction: `get("/a").with("cookie", "sid=1")`.
pub(super) struct Ask(http::request::Builder);

pub(super) fn get(target: &str) -> Ask {
    Ask(Request::builder().uri(target).header("host", "example.com"))
}

impl Ask {
    pub fn with(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    fn method(self, method: &str) -> Self {
        Self(self.0.method(method))
    }

    pub fn key_with(self, settings: &Settings) -> Result<CacheKey, NoKey> {
        CacheKey::of(&self.0.body(()).unwrap().into_parts().0, settings)
    }

    pub fn key_by(self, places: &Places, settings: &Settings) -> CacheKey {
        places.key(Scheme::Http, &self.0.body(()).unwrap().into_parts().0, settings).unwrap()
    }

    pub fn key(self) -> CacheKey {
        self.key_with(&Settings::default()).unwrap()
    }

    fn refused(self) -> Option<NoKey> {
        self.key_with(&Settings::default()).err()
    }
}

pub(super) const SECRET: Secret = Secret([9; 32]);

fn address(target: &str) -> String {
    get(target).key().place.to_string()
}

fn identity(cookies: &str) -> Identity {
    get("/").with("cookie", cookies).key().visitor.identity(&SECRET)
}

fn answer(lines: &[&'static str]) -> HeaderMap {
    let mut answer = HeaderMap::new();
    for line in lines {
        answer.append(header::SET_COOKIE, HeaderValue::from_static(line));
    }
    answer
}

fn after(cookies: &str, lines: &[&'static str]) -> Identity {
    let visitor = get("/").with("cookie", cookies).key().visitor;
    visitor.after(&answer(lines), &Settings::default()).identity(&SECRET)
}

#[test]
fn equivalent_spellings_share_one_address() {
    for (target, expected) in [
        ("/", "http://example.com/"),
        ("http://EXAMPLE.com:80", "http://example.com/"),
        ("http://example.com?x", "http://example.com/?x"),
        ("/%7Euser/%2f%c3%a4", "http://example.com/~user/%2F%C3%A4"),
        ("/a?b=%7e&c=%2F", "http://example.com/a?b=~&c=%2F"),
        ("/a?", "http://example.com/a?"),
        ("/a?b?c=/", "http://example.com/a?b?c=/"),
        ("/a?z=1&a=2&z=3", "http://example.com/a?z=1&a=2&z=3"),
        ("//a//b", "http://example.com//a//b"),
        ("/ä?ö", "http://example.com/ä?ö"),
        ("/a;x=1;jsessionid=ABC/b", "http://example.com/a;x=1/b"),
        ("/%;jsessionid=%;%41/%42%", "http://example.com/%;A/%42%"),
        ("/a;jsessionid=1;jsessionid=2;y", "http://example.com/a;y"),
        ("/a?PHPSESSID=abc", "http://example.com/a"),
        ("/a?x=1&PHPSESSID=abc&y=2", "http://example.com/a?x=1&y=2"),
    ] {
        assert_eq!(address(target), expected, "{target}");
    }
}

#[test]
fn only_escaped_unreserved_characters_keep_a_request_from_storing() {
    for (target, may_store) in [
        ("/a%2fb?c=%3d", true),
        ("/a;jsessionid=1", true),
        ("/a?PHPSESSID=%41", true),
        ("/50%?x=100%", true),
        ("/%61", false),
        ("/a?%62", false),
    ] {
        assert_eq!(get(target).key().may_store, may_store, "{target}");
    }
}

#[test]
fn a_query_that_does_not_matter_does_not_make_a_spelling_odd() {
    let settings =
        Settings { detect_query: false, query_ignore: vec!["utm_*".into()], ..Settings::default() };
    let key = get("/a?x=%61").key_with(&settings).unwrap();
    assert_eq!((key.place.query.as_str(), key.may_store), ("", true));
    let settings = Settings { detect_query: true, ..settings };
    let key = get("/a?utm_source=%61&b=1&utm%5fx").key_with(&settings).unwrap();
    assert_eq!((key.place.query.as_str(), key.may_store), ("?b=1", true));
}

#[test]
fn a_query_out_of_the_key_still_has_its_session_and_its_secrets() {
    let settings = Settings { detect_query: false, ..Settings::default() };
    assert!(!get("/?PHPSESSID=a").key_with(&settings).unwrap().visitor.is_anonymous());
    let refused = get("/?token=a").key_with(&settings).err();
    assert_eq!(refused, Some(NoKey::SecretParameter));
}

#[test]
fn what_cannot_be_judged_has_no_key() {
    use NoKey::*;
    for (target, reason) in [
        ("*", Target),
        ("example.com:80", Target),
        ("/a/../b", DotSegments),
        ("/a/%2e%2E/b", DotSegments),
        ("/a%2f..%2fb", DotSegments),
        ("/a/..;jsessionid=1/b", DotSegments),
        ("/a/.;jsessionid=x./b", DotSegments),
        ("/?token=1", SecretParameter),
        ("/?TOKEN=1", SecretParameter),
        ("/?a=1&%74oken=1", SecretParameter),
        ("/?+token=1", SecretParameter),
        ("/?%20token%00=1", SecretParameter),
        ("/?token", SecretParameter),
        ("/?token[]=1", SecretParameter),
        ("/?user%5Bpassword%5D=1", SecretParameter),
        ("/?a=1;sig=2", SecretParameter),
        ("/?back=%2Freset%3Fcode%3D1", SecretParameter),
        ("/?PHPSESSID%5B%5D=a", SecretParameter),
        ("/?phpsessid=a", SecretParameter),
        ("/?PHPSESSID", SecretParameter),
        ("/?+PHPSESSID=a", SecretParameter),
        ("/?a=1;PHPSESSID=a", SecretParameter),
        ("/?back=%2Fx%3Bjsessionid%3Da", SecretParameter),
        ("/a;JSESSIONID=1", SecretParameter),
        ("/a%3Bjsessionid=1", SecretParameter),
        ("/reset;token=1", SecretParameter),
        ("/reset%3btoken=1", SecretParameter),
    ] {
        assert_eq!(get(target).refused(), Some(reason), "{target}");
    }
}

#[test]
fn words_that_only_contain_a_secret_name_have_a_key() {
    for target in ["/token", "/key/1", "/?tokens=1", "/?a=token", "/?monkey=1", "/code=1"] {
        assert_eq!(get(target).refused(), None, "{target}");
    }
}

#[test]
fn only_get_and_head_have_a_key_and_it_is_the_same() {
    assert_eq!(get("/").method("POST").refused(), Some(NoKey::Method));
    let head = get("/").method("HEAD").key();
    assert_eq!(head.place, get("/").key().place);
}

#[test]
fn a_header_that_asks_for_another_page_or_method_takes_the_key() {
    for name in [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        assert_eq!(get("/").with(name, "x").refused(), Some(NoKey::OverrideHeader), "{name}");
    }
}

#[test]
fn host_must_be_there_once() {
    assert_eq!(get("/").with("host", "example.com").refused(), Some(NoKey::NoHost));
    let none = Ask(Request::builder().uri("/"));
    assert_eq!(none.refused(), Some(NoKey::NoHost));
}

#[test]
fn more_cookies_than_a_browser_sends_have_no_key() {
    let cookies = |count: usize| (0..count).map(|i| format!("c{i}=1;")).collect::<String>();
    assert_eq!(get("/").with("cookie", &cookies(256)).refused(), None);
    let refused = get("/").with("cookie", &cookies(257)).refused();
    assert_eq!(refused, Some(NoKey::TooManyCredentials));
}

#[test]
fn a_rescue_looks_for_the_own_copy_then_for_nobodys_and_never_for_others() {
    let settings = Settings::default();
    let owners = |key: CacheKey, settings: &Settings| -> Vec<(Identity, bool)> {
        let lookups = key.lookups(&SECRET, settings);
        assert!(lookups.iter().all(|lookup| lookup.key.place == key.place));
        lookups.into_iter().map(|lookup| (lookup.key.identity, lookup.own)).collect()
    };
    let nobody = Identity::Anonymous;
    assert_eq!(owners(get("/").key(), &settings), [(nobody.clone(), true)]);
    let somebody = || get("/").with("cookie", "sid=1").key();
    let own = (identity("sid=1"), true);
    assert_eq!(owners(somebody(), &settings), [own, (nobody.clone(), false)]);
    let undetected = Settings { detect_session: false, ..settings };
    assert_eq!(owners(somebody(), &undetected), [(nobody, false)]);
}

#[test]
fn what_a_proxy_in_front_says_about_the_address_is_part_of_the_key() {
    let id = |ask: Ask| ask.key().store_key(Identity::Anonymous).id();
    let plain = id(get("/"));
    for (name, value) in [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-prefix", "/x"),
        ("forwarded", "for=1.2.3.4;host=evil.example"),
        ("forwarded", "for=\"a;b\""),
        ("x-host", "evil.example"),
    ] {
        assert_ne!(id(get("/").with(name, value)), plain, "{name}: {value}");
    }
    for (name, value) in [
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "example.com"),
        ("x-forwarded-for", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4;by=x"),
    ] {
        assert_eq!(id(get("/").with(name, value)), plain, "{name}: {value}");
    }
    let both = |a: &str, b: &str| id(get("/").with("x-scheme", a).with("x-host", b));
    assert_ne!(both("a", "b"), both("b", "a"));
}

#[test]
fn no_border_of_the_key_moves() {
    let place = |path: &str, query: &str, host: &str| Place {
        scheme: "http".into(),
        host: host.into(),
        path: path.into(),
        query: query.into(),
    };
    let id = |place: Place, variant: &[u8]| {
        StoreKey { place: place.into(), identity: Identity::Anonymous, variant: variant.to_vec() }
            .id()
    };
    let ids = [
        id(place("/a", "?b", "h"), b""),
        id(place("/a?b", "", "h"), b""),
        id(place("/a", "", "h"), b"?b"),
        id(place("", "/a?b", "h"), b""),
        id(place("a", "?b", "h/"), b""),
        id(place("/a", "?", "h"), b"b"),
    ];
    for (i, one) in ids.iter().enumerate() {
        assert!(!ids[i + 1..].contains(one), "{i}");
    }
}

#[test]
fn an_identity_is_no_variant_and_no_variant_an_identity() {
    let person = Person { tag: [1; 16], seal: [2; 32] };
    let key = |identity, variant: &[u8]| StoreKey {
        place: get("/").key().place,
        identity,
        variant: variant.to_vec(),
    };
    assert_ne!(key(Identity::Person(person), b"").id(), key(Identity::Anonymous, &[1; 16]).id());
}

#[test]
fn an_entry_id_is_the_same_in_every_version() {
    let id = get("/a?b").key().store_key(Identity::Anonymous).id();
    assert_eq!(id.to_string(), "ee30620c3bc3f481e36a710a63a348d5");
}

#[test]
fn what_is_sent_on_is_what_the_client_sent_without_ignored_parameters() {
    let settings =
        Settings { query_ignore: vec!["utm_*".into(), "fbclid".into()], ..Settings::default() };
    for (target, expected) in [
        ("/%61?b=%62&%63", "/%61?b=%62&%63"),
        ("/a?", "/a?"),
        ("/a?&", "/a?&"),
        ("http://example.com?x=1", "/?x=1"),
        ("http://example.com", "/"),
        ("/a?utm_source=x", "/a"),
        ("/a?fbclid=1&b=%62&utm_x&c", "/a?b=%62&c"),
        ("/a?utm%5Fsource=x&Fbclid=1", "/a?Fbclid=1"),
        ("/a?PHPSESSID=x&utm_y", "/a?PHPSESSID=x"),
    ] {
        let uri: http::Uri = target.parse().unwrap();
        assert_eq!(forwarded(&uri, &settings), expected, "{target}");
    }
}

#[test]
fn a_reason_for_no_key_has_a_word_of_its_own() {
    use NoKey::*;
    let all =
        [Method, Target, NoHost, DotSegments, SecretParameter, OverrideHeader, TooManyCredentials];
    let words: std::collections::HashSet<_> = all.map(NoKey::as_str).into_iter().collect();
    assert_eq!(words.len(), all.len());
}
